# Runs one throw-away Redis until the pipe on standard input closes, then removes its folder. The pipe
# closes when its owner lets go of it, and when its owner dies, whatever killed it.
folder=$1 program=$2
exec 3<&0 </dev/null

"$program" "$folder/redis.conf" 3<&- &
pid=$!
# It holds nothing that a clean end would save.
{ read -r _ <&3; kill -KILL "$pid" 2>/dev/null; } &
watch=$!
wait "$pid"
code=$?
kill "$watch" 2>/dev/null
rm -rf -- "$folder"
exit "$code"
