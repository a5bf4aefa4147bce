#!/usr/bin/env bash
# Installs what the tests and checks use besides cargo, on Debian and Ubuntu. Quick when all is there.
# Without root or apt it says what is missing and goes on: only the checks that need it will complain.
set -euo pipefail

say() { printf 'install-test-deps: %s\n' "$*" >&2; }

# A program and the package that brings it.
wanted=(
    "cc gcc"
    "c++ g++"
    "curl curl"
    "git git"
    "make make"
    "clang-19 clang-19"
    "llvm-strip-19 llvm-19"
    # `cargo xtask kernel-matrix`.
    "qemu-system-x86_64 qemu-system-x86"
    "busybox busybox-static"
)

missing=()
for row in "${wanted[@]}"; do
    read -r program package <<<"$row"
    command -v "$program" >/dev/null || missing+=("$package")
done
# libbpf's headers, for the kernel programs.
[ -e /usr/include/bpf/bpf_helpers.h ] || missing+=(libbpf-dev)
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    say "missing: ${missing[*]} (no apt-get here: install them by hand; the tests run without, the checks of the kernel programs and the kernel matrix do not)"
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    say "missing: ${missing[*]} (not root: sudo apt-get install ${missing[*]})"
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# An older release may not have the pinned compiler; its default one still compares the objects,
# less strictly (see `cargo xtask bpf --help`).
packages=()
for package in "${missing[@]}"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
        packages+=("$package")
    elif [[ $package == *-19 ]]; then
        say "no package $package here, taking ${package%-19}"
        packages+=("${package%-19}")
    else
        say "no package $package here"
    fi
done
apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
say "installed ${packages[*]}"
