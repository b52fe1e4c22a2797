"""Meta's limits, once they are switched on."""

from sandbox.errors import MetaError
from sandbox.limits import Limits, limit_of

from .base import PNID, WABA, SandboxCase

OTHER = "3002"


class TestLimits(SandboxCase):
    async def asyncSetUp(self):
        await super().asyncSetUp()
        await self.template()
        self.media = await self.upload()
        self.now = 1000.0
        self.sandbox.limits = Limits(lambda: self.now)

    async def set(self, **values):
        await self.control("settings", values)

    async def send_to(self, index, number=PNID, code=None, status=400):
        body = {**self.document_send(self.media), "to": f"+9198{index:08d}"}
        if code:
            return await self.refused("POST", f"{number}/messages", body, code=code, status=status)
        return await self.graph("POST", f"{number}/messages", body)

    async def test_off_at_first(self):
        for _ in range(100):
            await self.send_to(1)

    async def test_sends_a_second(self):
        await self.set(limit_per_second=3)
        for index in range(3):
            await self.send_to(index)
        error = await self.send_to(9, code=130429, status=429)
        self.assertIn("throughput", error["error_data"]["details"])
        self.now += 0.34
        await self.send_to(9)
        await self.send_to(9, code=130429, status=429)
        self.now += 60
        for index in range(3):
            await self.send_to(index)
        await self.send_to(9, code=130429, status=429)

    async def test_messages_to_one_person(self):
        await self.set(limit_pair=True)
        for _ in range(45):
            await self.send_to(1)
        await self.send_to(1, code=131056)
        await self.send_to(2)
        self.now += 6
        await self.send_to(1)
        await self.send_to(1, code=131056)
        self.now += 270
        for _ in range(45):
            await self.send_to(1)
        await self.send_to(1, code=131056)

    async def test_people_a_day(self):
        await self.set(messaging_limit_tier="TIER_50")
        for index in range(50):
            await self.send_to(index)
        await self.send_to(50, code=131048)
        await self.send_to(49)
        self.now += 23 * 3600
        await self.send_to(50, code=131048)
        self.now += 3601
        await self.send_to(50)

    async def test_the_numbers_of_an_app_share_the_day(self):
        await self.control("accounts", self.account(phone_number_id=OTHER))
        await self.set(messaging_limit_tier="TIER_50")
        for index in range(50):
            await self.send_to(index)
        check, settings = self.sandbox.limits.check, self.sandbox.settings
        other = self.sandbox.accounts.numbers[OTHER]
        check(settings, other, "919800000001", False)  # written to already
        with self.assertRaises(MetaError) as caught:
            check(settings, other, "919800000099", False)
        self.assertEqual(caught.exception.code, 131048)

    async def test_an_open_conversation_is_free(self):
        await self.set(messaging_limit_tier="TIER_50")
        for index in range(50):
            await self.send_to(index)
        number = self.sandbox.accounts.numbers[PNID]
        self.sandbox.limits.check(self.sandbox.settings, number, "919811111111", True)

    async def test_meta_tells_its_limits(self):
        await self.set(messaging_limit_tier="TIER_2K", throughput_level="HIGH")
        fields = "throughput,messaging_limit_tier,whatsapp_business_manager_messaging_limit"
        number = await self.graph("GET", f"{PNID}?fields={fields}")
        self.assertEqual(number["throughput"], {"level": "HIGH"})
        self.assertEqual(number["messaging_limit_tier"], "TIER_2K")
        self.assertEqual(number["whatsapp_business_manager_messaging_limit"], "TIER_2K")
        waba = await self.graph("GET", f"{WABA}?fields=owner_business_info")
        self.assertTrue(waba["owner_business_info"]["id"].isdigit())

    async def test_a_tier_that_meta_does_not_have(self):
        answer = await self.control("settings", {"messaging_limit_tier": "TIER_7"}, status=400)
        self.assertIn("TIER_250", str(answer))

    def test_tiers(self):
        self.assertEqual(limit_of("TIER_10K"), 10_000)
        self.assertIsNone(limit_of("TIER_UNLIMITED"))
