# shellcheck shell=bash
# Shared by the scripts beside it; sourced with bash.

say () {
  printf '\n== %s\n' "$*"
}

fail () {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

as_root () {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  else
    command -v sudo >/dev/null || fail "not root, and no sudo here: run 'apt-get install $MISSING' as root, then this again"
    sudo "$@"
  fi
}

# missing_packages KIND...: names of the packages of these kinds that are not installed
missing_packages () {
  local kind name command wanted
  while read -r kind name command; do
    case " $* " in *" $kind "*) ;; *) continue ;; esac
    wanted=${command#[}
    wanted=${wanted%]}
    [ -n "$wanted" ] && command -v "$wanted" >/dev/null && continue
    dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || printf '%s ' "$name"
  done < <(grep -v '^#' "$ROOT/scripts/packages")
}

# install_packages KIND...
install_packages () {
  command -v apt-get >/dev/null || {
    echo "This is no Debian: scripts/packages lists what must be installed; going on with what is here."
    return 0
  }
  MISSING=$(missing_packages "$@" | sed "s, $,,")
  [ -n "$MISSING" ] || {
    echo "All packages are there."
    return 0
  }
  echo "Installing: $MISSING"
  as_root apt-get update -q
  # shellcheck disable=SC2086 # a list of words
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $MISSING
}

# build FOLDER MESON_OPTION... [-- TARGET...]: configures once, then builds
build () {
  local folder=$1 options=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  [ $# -eq 0 ] || shift
  if [ -f "$folder/build.ninja" ]; then
    meson configure "$folder" "${options[@]}"
  else
    meson setup "$folder" "$ROOT" "${options[@]}"
  fi
  ninja -C "$folder" "$@"
}
