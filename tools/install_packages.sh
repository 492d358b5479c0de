#!/usr/bin/env bash
# tools/install_packages.sh PACKAGE...
#
# Installs Debian packages, as root, without letting them start the services they bring: the tests
# start name servers themselves, on ports of their own.
set -euo pipefail

readonly kPolicy=/usr/sbin/policy-rc.d

(($# > 0)) || { printf 'usage: %s PACKAGE...\n' "$0" >&2; exit 2; }

# A policy that is there already is the machine owner's and stays as it is.
if [[ ! -e ${kPolicy} ]]; then
  trap 'rm -f -- "${kPolicy}"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"${kPolicy}"
  chmod 0755 "${kPolicy}"
fi

apt-get -q update || printf 'The package index could not be refreshed; going on with the one at hand.\n' >&2
DEBIAN_FRONTEND=noninteractive \
  apt-get -q install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
