# Unpacks the system's own PgBouncer package into one folder, with the libraries that the system lacks.
# Nothing is installed, no service is started, and nothing outside of the folder changes but, as root,
# the package lists.
set -e
cd "$1"
if [ "$(id -u)" = 0 ]; then
    apt-get -qq update || echo "the package lists could not be renewed; going on with those that are there"
fi
apt-get -qq -o APT::Sandbox::User=root download pgbouncer
for library in $(apt-cache depends pgbouncer | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p'); do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$library" 2>/dev/null)" = installed ] ||
        apt-get -qq -o APT::Sandbox::User=root download "$library"
done
for package in *.deb; do
    dpkg-deb -x "$package" unpacked
done
mkdir -p pgbouncer/lib
find unpacked -name '*.so.*' -exec cp -P {} pgbouncer/lib/ \;
cp unpacked/usr/sbin/pgbouncer pgbouncer/program
cat >pgbouncer/pgbouncer <<'RUN'
#!/bin/sh
here=${0%/*}
LD_LIBRARY_PATH=$here/lib exec "$here/program" "$@"
RUN
chmod -R u=rwX,go=rX pgbouncer
chmod 755 pgbouncer/program pgbouncer/pgbouncer
