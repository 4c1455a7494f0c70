# Runs one throw-away server in one folder until the pipe on standard input closes, then removes the
# folder. The pipe closes when its owner lets go of it, and when its owner dies, whatever killed it.
# A line that comes through the pipe stops the server as a crash does, and starts it again.
folder=$1 programs=$2 port=$3
exec 3<&0 </dev/null

# Runs a command to its end, or until the pipe closes. Asks again and again: a process that is just
# starting doesn't listen yet.
run() {
    "$@" 3<&- &
    pid=$!
    { read -r _ <&3 && : >"$folder/again"; while kill -QUIT "$pid" 2>/dev/null; do sleep 0.1; done; } &
    watch=$!
    wait "$pid"
    code=$?
    kill "$watch" 2>/dev/null
    return "$code"
}

run "$programs/bin/initdb" --pgdata="$folder/data" --username=postgres --pwfile="$folder/password" \
    --auth=password --encoding=UTF8 --locale=C --no-sync --no-instructions &&
    cat "$folder/settings" >>"$folder/data/postgresql.conf" &&
    while
        run "$programs/bin/postgres" -D "$folder/data" -p "$port"
        code=$?
        rm "$folder/again" 2>/dev/null
    do :; done
rm -rf -- "$folder"
exit "$code"
