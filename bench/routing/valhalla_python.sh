#!/usr/bin/env bash
# valhalla_python.sh FOLDER: makes a Python 3.13 with pyvalhalla in FOLDER, for machines whose own Python is
# older than pyvalhalla asks for. It is Debian 13's, unpacked (about 300 MB) and started with its own loader;
# nothing of it is installed. Needs root and debootstrap. Run again, it changes nothing.
set -euo pipefail
folder=$(realpath -m "$1")
root=$folder/trixie
[ ! -x "$folder/python" ] || exit 0

command -v debootstrap >/dev/null || { echo "valhalla_python.sh: apt-get install debootstrap, then again" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "valhalla_python.sh: unpacking Debian 13 needs root" >&2; exit 2; }
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' | sed -n 's/ [a-z]*$//p' | head -n 1)
rm -rf "$folder"
mkdir -p "$folder/wheels"
echo "Unpacking Python 3.13 of Debian 13 into $root" >&2
debootstrap --variant=minbase --include=python3 trixie "$root" "$mirror" >"$folder/debootstrap.log"
"$(dirname "$folder")/bin/pip" download --quiet --disable-pip-version-check --no-deps \
    --only-binary :all: --python-version 3.13 --dest "$folder/wheels" \
    "pyvalhalla==$(sed -nE 's/^pyvalhalla==([^ ;]+).*/\1/p' "$(dirname "$0")/../../requirements-bench.lock")"
python3 -m zipfile -e "$folder"/wheels/*.whl "$folder/packages"
chmod -R a+rx "$folder/packages"
cat >"$folder/python" <<END
#!/bin/sh
export PYTHONHOME=$root/usr PYTHONPATH=$folder/packages
exec $root/lib64/ld-linux-x86-64.so.2 --library-path $root/usr/lib/x86_64-linux-gnu $root/usr/bin/python3.13 "\$@"
END
chmod +x "$folder/python"
