#!/bin/sh
# Makes the environment of the project from nothing: finds or installs uv, finds a Python 3.12 or
# 3.13, and installs what uv.lock names. Safe to run again.
#
#   .ci/bootstrap.sh                 create or update .venv
#   .ci/bootstrap.sh --uv ARGUMENT…  run that uv
set -eu
cd "$(dirname "$0")/.."

uv_bin_dir="${XDG_CACHE_HOME:-$HOME/.cache}/lightspeed-stack/uv"

find_uv() {
    if command -v uv >/dev/null 2>&1; then
        command -v uv
    elif [ -x "$uv_bin_dir/bin/uv" ]; then
        echo "$uv_bin_dir/bin/uv"
    elif [ -x "$HOME/.local/bin/uv" ]; then
        echo "$HOME/.local/bin/uv"
    else
        return 1
    fi
}

install_uv() {
    for python in python3 python; do
        if command -v "$python" >/dev/null 2>&1 &&
            "$python" -m pip install --quiet --target "$uv_bin_dir" uv >&2; then
            return 0
        fi
    done
    if command -v curl >/dev/null 2>&1 &&
        curl -LsSf https://astral.sh/uv/install.sh |
        env UV_INSTALL_DIR="$uv_bin_dir/bin" UV_NO_MODIFY_PATH=1 sh >&2; then
        return 0
    fi
    echo "uv is needed and could not be installed with pip or by its own installer." >&2
    echo "Install it as https://docs.astral.sh/uv/getting-started/installation/ says." >&2
    return 1
}

# Prints the path of a supported interpreter, or the version that uv shall fetch.
find_python() {
    for version in 3.12 3.13; do
        if found=$(command -v "python$version" 2>/dev/null) && runs "$found"; then
            echo "$found"
            return
        fi
    done
    for version in 3.12 3.13; do
        for found in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
            if runs "$found"; then
                echo "$found"
                return
            fi
        done
    done
    echo 3.12
}

# A pyenv shim is found on the PATH and fails when its version is not the chosen one.
runs() {
    [ -x "$1" ] && "$1" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info < (3, 14))' \
        >/dev/null 2>&1
}

uv=$(find_uv) || { install_uv && uv=$(find_uv); }
if [ "${1:-}" = --uv ]; then
    shift
    exec "$uv" "$@"
fi
if [ -x .venv/bin/python ] && runs .venv/bin/python; then
    python=.venv/bin/python
else
    python=$(find_python)
fi
exec "$uv" sync --locked --quiet --compile-bytecode --python "$python"
