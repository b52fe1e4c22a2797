# Sourced by the entry points of this folder: finds a Python that can run the harness,
# installing Debian's own when there is none, and hands over to it.

ajw_fits() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
}

ajw_find_python() {
    local candidate
    for candidate in "${AJW_PYTHON:-}" /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 && ajw_fits "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

ajw_install_python() {
    local sudo=()
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "Python 3.11 to 3.13 with venv is needed. Install it, or name one with AJW_PYTHON." >&2
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "Python with venv is needed. As root, run: apt-get install python3 python3-venv" >&2
            return 1
        fi
        sudo=(sudo)
    fi
    echo "Installing python3 and python3-venv" >&2
    "${sudo[@]}" apt-get -qq -o DPkg::Lock::Timeout=300 update >&2
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends python3 python3-venv ca-certificates >&2
}

ajw_main() {
    local python
    if ! python="$(ajw_find_python)"; then
        ajw_install_python
        python="$(ajw_find_python)" || {
            echo "No Python 3.11 to 3.13 with venv was found; name one with AJW_PYTHON." >&2
            exit 1
        }
    fi
    # The caller's own Python settings must not leak into the environment built here.
    unset PYTHONHOME PYTHONPATH PYTHONSTARTUP
    exec "$python" "$ajw_here/main.py" "$@"
}
