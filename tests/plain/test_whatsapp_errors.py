"""What follows from an error: Meta's own, and that of whatever else answered."""

import pytest

from tests.plain.packages import load_module

errors = load_module("ajw_whatsapp", "cloud_api/errors.py")


def plan(code, status=400, attempts=1, retry_after=None, **values):
    return errors.plan(code, status, attempts, retry_after, random=lambda: 0, **values)


@pytest.mark.parametrize(("code", "status"), [(613, 429), (133004, 503), (999999, 500)])
def test_a_code_that_meta_adds_is_tried_again_where_its_status_says_so(code, status):
    assert plan(code, status).action == "retry"
    assert plan(code, 400).action == "fail"


@pytest.mark.parametrize("code", sorted(errors.THROTTLE_CODES))
def test_what_concerns_the_number_uses_up_no_tries(code):
    for attempts in (1, 8, 100):
        plans = [plan(code, attempts=attempts, waited=waited) for waited in (0, 30, 600, 90000)]
        assert {(each.action, each.scope, each.counts) for each in plans} == {
            ("retry", "number", False)
        }
        assert [each.delay for each in plans] == [30, 30, 600, 3600]
    assert plan(131000).counts, "of what concerns the message they are counted"


@pytest.mark.parametrize("status", [301, 302, 400, 403, 404, 407, 451])
def test_what_is_not_meta_s_word_fails_no_message(status):
    assert errors.classify(None, status) == errors.NOT_META
    for attempts in (1, 8, 100):
        found = plan(None, status, attempts)
        assert (found.action, found.scope, found.counts) == ("retry", "number", False)


def test_what_is_too_large_on_the_way_is_the_message_s_fault():
    found = plan(None, 413)
    assert (found.action, found.scope, found.counts) == ("fail", "message", True)


@pytest.mark.parametrize("code", sorted(errors.DOWN_CODES))
def test_a_meta_that_says_that_it_is_down_uses_up_no_tries(code):
    assert errors.is_down(code, 503)
    assert plan(code, 503, 100).scope == "number"
    assert not plan(code, 503, 100).counts
    assert plan(code).counts, "in a report it is said of one message"
    assert not errors.is_down(code, 400)
    assert not errors.is_down(131000, 500)


def test_a_meta_that_cannot_be_reached_uses_up_no_tries():
    found = plan(None, None, 100)
    assert (found.action, found.scope, found.counts) == ("retry", "number", False)


def test_what_the_token_cannot_see_stops_the_account():
    assert errors.CloudApiError(100, 33, http_status=400).error_class == errors.STOP_ACCOUNT
    found = plan(100, subcode=33)
    assert (found.action, found.scope, found.counts) == ("stop", "account", False)
    assert plan(100).action == "fail", "a call that Meta does not understand is another thing"


@pytest.mark.parametrize(("code", "status"), [(131016, 503), (2, 500), (131000, 400), (None, 403)])
def test_a_pause_that_is_asked_for_concerns_the_number(code, status):
    found = plan(code, status, retry_after=120)
    assert (found.action, found.scope, found.counts, found.delay) == ("retry", "number", False, 120)
    assert plan(131056, retry_after=120).scope == "pair"


def test_pauses_of_an_outage_grow_to_five_minutes():
    shortest = [errors.outage_pause(times, lambda: 0) for times in range(7)]
    assert shortest == [15, 30, 60, 120, 240, 240, 240]
    assert max(errors.outage_pause(times, lambda: 1) for times in range(99)) == 300
    assert len({errors.outage_pause(3) for _each in range(20)}) > 10, "drawn out at random"
    assert errors.outage_pause(10**9, lambda: 0) == 240
