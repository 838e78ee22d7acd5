package live

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
)

// backendPort is where a backend listens that proxy_pass may point to; it answers with what it was asked.
var backendPort = sync.OnceValue(func() int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic("no port for the backend: " + err.Error())
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go backendServe(conn)
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
})

// backendServe reads one request with no library's opinion of it: what nginx sends may be malformed.
func backendServe(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	first, err := in.ReadString('\n')
	if err != nil {
		return
	}
	host := ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(name, "Host") {
			host = strings.TrimSpace(value)
		}
	}
	method, target, _ := strings.Cut(strings.TrimRight(first, "\r\n"), " ")
	if at := strings.LastIndex(target, " HTTP/"); at >= 0 {
		target = target[:at]
	}
	status, location, body := backendAnswer(method, target, host)
	fmt.Fprintf(conn, "HTTP/1.0 %d Answer\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n", status, len(body))
	if location != nil {
		fmt.Fprintf(conn, "Location: %s\r\n", *location)
	}
	conn.Write([]byte("\r\n"))
	if method != "HEAD" {
		conn.Write([]byte(body))
	}
}

// backendAnswer is what the backend says: it redirects /redir?to=X to X and repeats everything else.
func backendAnswer(method, target, host string) (status int, location *string, body string) {
	if to, ok := strings.CutPrefix(target, "/redir?to="); ok {
		to, _, _ = strings.Cut(to, "&")
		return 302, &to, ""
	}
	return 200, nil, "backend " + method + " " + target + " host=" + host
}
