# measures.sh: what sigpost costs above the web server, one function a measure. Sourced by run. A label
# is MEASURE/CONTENDER; table.mjs knows them. A fresh server and database for every line of results.

OPENED=/sigver/opened

# POSTs from 32 connections, each to a peer of its own that has a stream open, beside the same POSTs
# to an empty responder.
measure_post() {
	local load_options=(post --pairs 32 --warm 2 --secs "$(secs 6)")
	make_place
	start_lighttpd
	run_load post/null "$server" null-post /null.fcgi "${load_options[@]}"
	stop_all
	make_place
	start_lighttpd
	run_load post/sigpost "$server" sigver-sse /sigpost$OPENED "${load_options[@]}"
	stop_all
}

# The same by CGI, from 4 connections. The hub is no child of lighttpd, so it is named.
measure_cgi() {
	local load_options=(post --pairs 4 --warm 1 --secs "$(secs 5)") hub
	make_place
	start_lighttpd
	run_load cgi/null "$server" null-post /null.cgi "${load_options[@]}"
	stop_all
	make_place
	start_lighttpd
	hub=$(start_hub) || fail "no hub came with the first CGI request"
	started+=("$hub")
	run_load cgi/sigpost "$server,$hub" sigver-sse /sigpost.cgi$OPENED "${load_options[@]}"
	stop_all
}

# The first request starts the hub; prints its pid.
start_hub() {
	curl -sf -o "$work/first" -m 10 "http://127.0.0.1:$port/sigpost.cgi/" || return 1
	await 50 holder "$place/cgi.db" >"$work/hub" && head -1 "$work/hub"
}

# Cost of a message on an empty server, on one that stores 100,000 messages for others, and on one
# that holds thousands of idle streams.
measure_flat() {
	local load_options=(post --pairs 16 --warm 2 --secs "$(secs 5)")
	make_place
	start_sigpost
	run_load flat/empty "$server" sigver-sse $OPENED "${load_options[@]}"
	stop_all
	flat_stored
	flat_idle
}

flat_stored() {
	make_place
	"$build/sigpost" init --db "$place/sigpost.db" >"$work/server.log" 2>&1 ||
		fail "sigpost init failed; see $work/server.log"
	sqlite3 -bail "$place/sigpost.db" <"$here/fill.sql" ||
		fail "fill.sql does not fit the schema"
	start_sigpost
	run_load flat/stored "$server" sigver-sse $OPENED "${load_options[@]}"
	[ "$(stored)" -ge 100000 ] || fail "the stored messages did not stay: $(stored)"
	stop_all
}

stored() {
	sqlite3 -cmd '.timeout 5000' "$place/sigpost.db" 'SELECT count(*) FROM msg WHERE src = 0'
}

# The idle streams are held by a generator of their own, whose keys are others.
flat_idle() {
	local count
	count=$(crowd)
	make_place
	start_sigpost
	"$load" idle --n "$count,$count" --conc 64 --hold 300 --key idle --adapter sigver-sse \
		--url "http://127.0.0.1:$port$OPENED" --pid "$server" \
		>"$work/idle.json" 2>"$work/idle.log" &
	started+=("$!")
	await 1200 grep -q "\"n\":$count," "$work/idle.json" || fail "$count streams did not open"
	run_load flat/idle "$server" sigver-sse $OPENED "${load_options[@]}"
	stop_all
}
