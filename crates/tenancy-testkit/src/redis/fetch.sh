# Unpacks the system's own Redis package into one folder, with the libraries that the system lacks.
# Nothing is installed, no service is started, and nothing outside of the folder changes but, as root,
# the package lists.
set -e
cd "$1"
if [ "$(id -u)" = 0 ]; then
    apt-get -qq update || echo "the package lists could not be renewed; going on with those that are there"
fi
# The server's program lies in the package with the tools; the server's own links to it.
apt-get -qq -o APT::Sandbox::User=root download redis-server redis-tools
for library in $(apt-cache depends redis-tools | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p'); do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$library" 2>/dev/null)" = installed ] ||
        apt-get -qq -o APT::Sandbox::User=root download "$library"
done
for package in *.deb; do
    dpkg-deb -x "$package" unpacked
done
mkdir -p redis/lib
find unpacked -name '*.so.*' -exec cp -P {} redis/lib/ \;
# It looks at its own name to see what it is.
cp -L unpacked/usr/bin/redis-server redis/redis-server
cat >redis/run <<'RUN'
#!/bin/sh
here=${0%/*}
LD_LIBRARY_PATH=$here/lib exec "$here/redis-server" "$@"
RUN
chmod -R u=rwX,go=rX redis
chmod 755 redis/redis-server redis/run
