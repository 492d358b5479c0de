# shellcheck shell=bash
# What ./run and ./test share. Sourced from the root of the checkout, never run by itself.

# Exit codes of ./run and ./test beside 0 and the server's or the runner's own.
# shellcheck disable=SC2034  # they are used where this file is sourced
{
  readonly kExitUsage=2     # an option nobody knows
  readonly kExitPackages=3  # packages are missing and this user may not install them
  readonly kExitNoData=4    # the geo data could not be fetched (./run goes on with the sample)
  readonly kExitBadData=5   # the geo data came, but is not what the lock file says
  readonly kExitPorts=6     # something else listens where the demo would
}

say() {
  printf '==> %s\n' "$*"
}

fail() {  # STATUS MESSAGE...
  local status=$1
  shift
  printf 'error: %s\n' "$*" >&2
  exit "${status}"
}

# Prints the packages of the given lists that this machine lacks. A line `PACKAGE | COMMAND` asks for
# the package only where the command is missing.
missing_packages() {  # LIST...
  local installed package bar command
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n')
  sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@" | while read -r package bar command; do
    if [[ ${bar} == '|' ]] && type -P "${command}" >/dev/null; then continue; fi
    grep -qxF "installed ${package}" <<<"${installed}" || printf '%s\n' "${package}"
  done
}

# Installs what is missing; without the right to, prints the one command that does, and exits.
need_packages() {  # SCRIPT LIST...
  local script=$1 missing
  shift
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)); then
    cat >&2 <<EOF
Debian packages are missing. Install them with

  sudo tools/install_packages.sh ${missing[*]}

and start ${script} again.
EOF
    exit "${kExitPackages}"
  fi
  say "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  tools/install_packages.sh "${missing[@]}"
}

# Compiled objects are remembered inside the checkout, unless the caller has a place for them.
use_ccache() {
  export CCACHE_DIR=${CCACHE_DIR:-${PWD}/var/ccache}
}

# Configures build/PRESET when that was never done or the presets changed, then builds the targets
# (all of them when none is named). Ninja itself notices every other change.
build() {  # PRESET [TARGET...]
  local preset=$1 presets_hash
  local stamp=build/${preset}/.presets_hash
  shift
  presets_hash=$(sha256sum CMakePresets.json)
  if [[ ! -f build/${preset}/build.ninja || $(cat "${stamp}" 2>/dev/null) != "${presets_hash}" ]]; then
    say "Configuring build/${preset}"
    cmake --preset "${preset}"
    printf '%s\n' "${presets_hash}" >"${stamp}"
  fi
  say "Building build/${preset}"
  cmake --build "build/${preset}" --parallel "$(nproc)" ${1:+--target "$@"}
}
