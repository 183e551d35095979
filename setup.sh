# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# setup.sh - what ./audit and ./check share: packages, build, the plugin in its place. Sourced.

siptls_build_packages="gcc libc6-dev make cmake pkg-config libglib2.0-dev libgnutls28-dev wireshark-dev libwireshark-dev libwiretap-dev libwsutil-dev tshark"
siptls_test_packages="python3 python3-pytest python3-dpkt zstd lz4 wireshark-common util-linux iproute2 openssl dpkg-dev file groff-base munge slurm-client slurmctld slurmd parallel openssh-client openssh-server shellcheck chromium fonts-dejavu-core python3-yaml jq sqlite3"
siptls_fuzz_packages="clang libclang-rt-dev"
siptls_gui_packages="wireshark xvfb openbox xdotool x11-utils imagemagick at-spi2-core dbus-daemon python3-gi"

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$0: $*"
    exit 2
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# Runs a command as root: directly, or by sudo.
as_root() {
    if is_root; then
        "$@"
    else
        sudo "$@"
    fi
}

# A run by sudo leaves a build folder that only root can write to.
own_build_folder() {
    mkdir -p build 2>/dev/null
    [ -d build ] || die "cannot make the folder $PWD/build"
    foreign=$(find build ! -writable -print -quit)
    [ -z "$foreign" ] || die "$PWD/$foreign is another user's, of a run with sudo perhaps: remove it with sudo rm -r $PWD/build"
}

# need_packages PACKAGE...: installs what is missing, and says what.
need_packages() {
    own_build_folder
    missing=""
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
            missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    command -v apt-get >/dev/null 2>&1 || die "this is no Debian system: install by hand:$missing"
    is_root || command -v sudo >/dev/null 2>&1 ||
        die "needs root, or sudo, to install:$missing"
    say "Installing with apt-get, which can take some minutes:$missing"
    # another apt may be running, and a mirror may fail once
    set -- -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3
    as_root apt-get "$@" update >build/apt.log 2>&1 || say "apt-get update failed: going on with the lists at hand"
    # shellcheck disable=SC2086
    quietly build/apt.log as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get "$@" install -y --no-install-recommends $missing
}

# quietly LOG COMMAND...: the command's output is shown only when it fails.
quietly() {
    log=$1
    shift
    "$@" >"$log" 2>&1 && return 0
    cat "$log" >&2
    die "failed: $*"
}

# build_project FOLDER CMAKE-OPTION...
build_project() {
    folder=$1
    shift
    mkdir -p "$folder"
    quietly "$folder/configure.log" cmake -S . -B "$folder" "$@"
    quietly "$folder/build.log" cmake --build "$folder" --parallel "$(nproc)"
}

# Wireshark ignores a personal plugin folder for root: root gets it in the system's, others in theirs.
# Only our own file is added; nothing that a package installed is touched.
install_plugin() {
    folder=$1
    if is_root; then
        cmake -S . -B "$folder" -DSIPTLS_PERSONAL=OFF >/dev/null
    else
        cmake -S . -B "$folder" -DSIPTLS_PERSONAL=ON >/dev/null
    fi
    quietly "$folder/install.log" cmake --install "$folder" --component plugin
    system_plugin=$(pkg-config --variable=plugindir wireshark)/epan/siptls.so
    built=$(echo "$folder"/plugins/*/epan/siptls.so)
    if ! is_root && [ -e "$system_plugin" ] && ! cmp -s "$system_plugin" "$built"; then
        say "Note: Wireshark takes another siptls first; replace it: sudo cp $built $system_plugin"
        WIRESHARK_PLUGIN_DIR=$PWD/$folder/plugins
        export WIRESHARK_PLUGIN_DIR # what is audited here is audited with the one that was built here
    fi
    say "Plugin: $(sed -n 's/^-- \(Installing\|Up-to-date\): //p' "$folder/install.log")"
}
