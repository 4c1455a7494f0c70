# Runs one throw-away MariaDB in one folder until the pipe on standard input closes, then removes the
# folder. The pipe closes when its owner lets go of it, and when its owner dies, whatever killed it.
folder=$1 program=$2 share=$3 port=$4
exec 3<&0 </dev/null

# Runs the server to its end, or until the pipe closes. It holds nothing that a clean end would save.
run() {
    input=$1
    shift
    "$program" --no-defaults --datadir="$folder/data" --tmpdir="$folder" --lc-messages-dir="$share" \
        --character-sets-dir="$share/charsets" --innodb-log-file-size=8M "$@" <"$input" 3<&- &
    pid=$!
    { read -r _ <&3; while kill -KILL "$pid" 2>/dev/null; do sleep 0.1; done; } &
    watch=$!
    wait "$pid"
    code=$?
    kill "$watch" 2>/dev/null
    return "$code"
}

tls=
[ -f "$folder/chain" ] && tls=yes

mkdir "$folder/data" &&
    run "$folder/bootstrap.sql" --bootstrap --log-warnings=0 &&
    run /dev/null --bind-address=127.0.0.1 --port="$port" --socket="$folder/socket" --pid-file="$folder/pid" \
        --skip-name-resolve --max-connections=300 --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 \
        --innodb-buffer-pool-size=64M --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci \
        ${tls:+"--ssl-cert=$folder/chain"} ${tls:+"--ssl-key=$folder/key"}
code=$?
rm -rf -- "$folder"
exit "$code"
