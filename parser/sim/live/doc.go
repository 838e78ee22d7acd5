// Package live holds the simulators against real servers. It has tests only.
//
// The tests start an Apache httpd and an nginx of their own on 127.0.0.1, with ports the kernel hands out and a
// temporary root, put generated configurations into them, send generated requests, and compare every answer with
// the simulator's. A difference is shrunk and printed with its seed. Answers the simulator declares unknown are
// counted, not compared.
//
//	go test ./parser/sim/live                                          a small run, skipped without servers
//	REWRIGHT_REQUIRE_SERVERS=1 go test ./parser/sim/live               missing servers are a failure
//	REWRIGHT_LIVE_PAIRS=5000 go test ./parser/sim/live -timeout 30m    so many (configuration, request) pairs per server
//	REWRIGHT_LIVE_SEED=42 go test ./parser/sim/live -run Nginx -v      another seed than 1; "clock" a new one each time
//	REWRIGHT_CORPUS=DIR go test ./parser/sim/live -run Corpus -v -timeout 30m
//
// REWRIGHT_CORPUS names a folder with apache/*.htaccess-like files and, beside them, MANIFEST.tsv whose columns
// "file" and "context" say which of them are read as .htaccess. REWRIGHT_CORPUS_FILES=N takes a sample of N files,
// REWRIGHT_CORPUS_ONLY=TEXT those whose name holds TEXT. -live.pairs and -live.seed say the same as the variables.
// REWRIGHT_APACHE, REWRIGHT_APACHE_MODULES and REWRIGHT_NGINX name other binaries and Apache's module folder.
package live
