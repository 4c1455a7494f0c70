# Unpacks the system's own MariaDB package into one folder, with the libraries that the system lacks.
# Nothing is installed, no service is started, and nothing outside of the folder changes but, as root,
# the package lists.
set -e
cd "$1"
if [ "$(id -u)" = 0 ]; then
    apt-get -qq update || echo "the package lists could not be renewed; going on with those that are there"
fi
apt-get -qq -o APT::Sandbox::User=root download mariadb-server-core
for library in $(apt-cache depends mariadb-server-core | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p'); do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$library" 2>/dev/null)" = installed ] ||
        apt-get -qq -o APT::Sandbox::User=root download "$library"
done
for package in *.deb; do
    dpkg-deb -x "$package" unpacked
done
mkdir -p mariadb/lib
find unpacked -name '*.so.*' -exec cp -P {} mariadb/lib/ \;
cp unpacked/usr/sbin/mariadbd mariadb/program
cp -r unpacked/usr/share/mysql mariadb/share
cat >mariadb/mariadbd <<'RUN'
#!/bin/sh
here=${0%/*}
LD_LIBRARY_PATH=$here/lib exec "$here/program" "$@"
RUN
chmod -R u=rwX,go=rX mariadb
chmod 755 mariadb/program mariadb/mariadbd
