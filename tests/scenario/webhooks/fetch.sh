#!/usr/bin/env bash
# Fetches the independent verifier of webhook signatures that test_webhook_signature.py asks, once for each
# state of the lock file, into var/webhooks. Prints that folder. Exit: 0 it is complete, 4 the packages could not be
# fetched, 5 a checksum differs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
source tools/lib.sh

readonly here=tests/scenario/webhooks work=var/webhooks
readonly inputs=("${here}/package.json" "${here}/package-lock.json" "${here}/.npmrc")

is_complete() {
  [[ -d ${work}/node_modules/standardwebhooks && -f ${work}/.fetched ]] &&
    sha256sum --status --check "${work}/.fetched"
}

mkdir -p "${work}"
exec {lock}>"${work}/.lock"
flock "${lock}"
if ! is_complete; then
  rm -rf "${work}/node_modules" "${work}/cache" "${work}/.fetched"
  cp "${inputs[@]}" "${work}/"
  # npm verifies every package against the lock file. Its cache is kept inside the checkout.
  if ! (cd "${work}" && npm_config_cache=${PWD}/cache npm ci --no-progress >npm.log 2>&1); then
    if grep -q EINTEGRITY "${work}/npm.log"; then
      fail "${kExitBadData}" "a package does not have the checksum that ${here}/package-lock.json states"
    fi
    fail "${kExitNoData}" "the verifier standardwebhooks could not be fetched: no network, or the package registry is out of reach; all that npm says is in ${work}/npm.log"
  fi
  rm -rf "${work}/cache"
  sha256sum "${inputs[@]}" >"${work}/.fetched"
fi
printf '%s\n' "${PWD}/${work}"
