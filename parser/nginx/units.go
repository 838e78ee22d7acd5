package nginx

import "strings"

// atoi reads a decimal number as ngx_atoi does: digits only; ok is false otherwise or when it overflows.
func atoi(s string) (n int, ok bool) {
	if s == "" {
		return 0, false
	}
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' || n > (1<<62-9)/10 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// parseSize reads a number of bytes with an optional k or m (g too when large).
// Source: nginx src/core/ngx_parse.c, ngx_parse_size and ngx_parse_offset.
func parseSize(s string, large bool) (n int, ok bool) {
	if s == "" {
		return 0, false
	}
	scale := 1
	switch s[len(s)-1] {
	case 'k', 'K':
		scale = 1 << 10
	case 'm', 'M':
		scale = 1 << 20
	case 'g', 'G':
		if large {
			scale = 1 << 30
		}
	}
	if scale > 1 {
		s = s[:len(s)-1]
	}
	n, ok = atoi(s)
	if !ok || n > (1<<62)/scale {
		return 0, false
	}
	return n * scale, true
}

// Steps of a time from long to short: each may come once and in this order.
const (
	stepStart = iota
	stepYear
	stepMonth
	stepWeek
	stepDay
	stepHour
	stepMinute
	stepSecond
	stepMillisecond
	stepLast
)

// parseTime reads a time such as "1h30m" and tells whether nginx does: in seconds when seconds is set, where
// years are allowed and milliseconds are not; otherwise in milliseconds, the other way round.
// The result is in whole seconds. Source: nginx src/core/ngx_parse.c, ngx_parse_time.
func parseTime(s string, seconds bool) (total int, ok bool) {
	step := stepMonth
	if seconds {
		step = stepStart
	}
	value := 0
	for i := 0; i < len(s); {
		c := s[i]
		i++
		if '0' <= c && c <= '9' {
			if value > 1<<40 {
				return 0, false
			}
			value, ok = value*10+int(c-'0'), true
			continue
		}
		next, scale := 0, 0
		switch c {
		case 'y':
			next, scale = stepYear, 365*86400
		case 'M':
			next, scale = stepMonth, 30*86400
		case 'w':
			next, scale = stepWeek, 7*86400
		case 'd':
			next, scale = stepDay, 86400
		case 'h':
			next, scale = stepHour, 3600
		case 'm':
			next, scale = stepMinute, 60
			if i < len(s) && s[i] == 's' {
				if seconds {
					return 0, false
				}
				i++
				next, scale = stepMillisecond, 0
			}
		case 's':
			next, scale = stepSecond, 1
		case ' ':
			if step >= stepSecond {
				return 0, false
			}
			next, scale = stepLast, 1
		default:
			return 0, false
		}
		if next != stepLast && step >= next || next == stepYear && step > stepStart {
			return 0, false
		}
		step = next
		total += value * scale
		if total > 1<<50 {
			return 0, false
		}
		value = 0
		for i < len(s) && s[i] == ' ' {
			i++
		}
	}
	return total + value, ok
}

// parseIPv4 reads four decimal bytes, as ngx_inet_addr does.
func parseIPv4(s string) (addr [4]byte, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return addr, false
	}
	for i, p := range parts {
		n, ok := atoi(p)
		if !ok || n > 255 {
			return addr, false
		}
		addr[i] = byte(n)
	}
	return addr, true
}

// parseIPv6 tells whether ngx_inet6_addr reads s, and its bytes.
func parseIPv6(s string) (addr [16]byte, ok bool) {
	head, tail, gap := strings.Cut(s, "::")
	read := func(text string, out []byte, v4 bool) (int, bool) {
		if text == "" {
			return 0, true
		}
		n := 0
		groups := strings.Split(text, ":")
		for i, g := range groups {
			if v4 && i == len(groups)-1 && strings.Contains(g, ".") {
				four, ok := parseIPv4(g)
				if !ok || n+4 > len(out) {
					return 0, false
				}
				n += copy(out[n:], four[:])
				continue
			}
			if g == "" || len(g) > 4 || n+2 > len(out) {
				return 0, false
			}
			v := 0
			for j := range len(g) {
				d := strings.IndexByte("0123456789abcdef", g[j]|0x20)
				if d < 0 || d < 10 && g[j] > '9' {
					return 0, false
				}
				v = v<<4 | d
			}
			out[n], out[n+1] = byte(v>>8), byte(v)
			n += 2
		}
		return n, true
	}
	n, ok := read(head, addr[:], !gap)
	if !ok || !gap {
		return addr, ok && n == 16
	}
	var end [16]byte
	m, ok := read(tail, end[:], true)
	if !ok || n+m > 14 {
		return addr, false
	}
	copy(addr[16-m:], end[:m])
	return addr, true
}

// network is what ngx_ptocidr says of text.
type network int

const (
	notNetwork   network = iota
	cleanNetwork         // an address, or one with a mask that leaves no bit of it out
	dirtyNetwork         // bits below the mask are set: nginx warns
)

// parseNetwork reads an address with an optional mask length. key is the same for equal networks.
func parseNetwork(s string) (kind network, key string) {
	addr, mask, masked := strings.Cut(s, "/")
	var b []byte
	if four, ok := parseIPv4(addr); ok {
		b = four[:]
	} else if six, ok := parseIPv6(addr); ok {
		b = six[:]
	} else {
		return notNetwork, ""
	}
	bits := 8 * len(b)
	if masked {
		n, ok := atoi(mask)
		if !ok || n > bits {
			return notNetwork, ""
		}
		bits = n
	}
	kind = cleanNetwork
	out := make([]byte, 0, len(b)+1)
	for i, c := range b {
		keep := min(max(bits-8*i, 0), 8)
		m := byte(0xff << (8 - keep))
		if c&^m != 0 {
			kind = dirtyNetwork
		}
		out = append(out, c&m)
	}
	return kind, string(append(out, byte(bits)))
}

// hostPort is an address as ngx_parse_url takes it apart.
type hostPort struct {
	host string // lower case; "" with port only, or *
	port int    // 0: none was written
	uri  string // from the first / or ?
	unix string
	any  bool
	six  bool
}

// parseURL reads the address of a listen directive, or of an upstream. fault is nginx's word for what is wrong.
// Names are not looked up. Source: nginx src/core/ngx_inet.c, ngx_parse_url.
func parseURL(s string, listen, uriPart bool) (u hostPort, fault string) {
	switch {
	case len(s) >= 5 && strings.EqualFold(s[:5], "unix:"):
		u.unix = s[5:]
		if uriPart {
			if i := strings.IndexByte(u.unix, ':'); i >= 0 {
				u.unix, u.uri = u.unix[:i], u.unix[i+1:]
			}
		}
		if u.unix == "" {
			return u, "no path in the unix domain socket"
		}
		if len(u.unix) > 107 {
			return u, "too long path in the unix domain socket"
		}
		return u, ""
	case strings.HasPrefix(s, "["):
		return parseURL6(s, listen, uriPart)
	}
	host := s
	if i := strings.IndexAny(s, "/?"); i >= 0 {
		if listen || !uriPart {
			return u, "invalid host"
		}
		host, u.uri = s[:i], s[i:]
	}
	if i := strings.IndexByte(host, ':'); i >= 0 {
		port, ok := parsePort(host[i+1:], listen)
		if !ok {
			return u, "invalid port"
		}
		u.port, host = port, host[:i]
	} else if listen && u.uri == "" {
		if n, ok := parsePortOnly(host); n != 0 || ok {
			if !ok {
				return u, "invalid port"
			}
			u.port, u.any = n, true
			return u, ""
		}
	}
	if host == "" {
		return u, "no host"
	}
	u.host = strings.ToLower(host)
	u.any = listen && host == "*"
	return u, ""
}

// parsePort reads a port, or for listen the first of a range.
func parsePort(s string, listen bool) (int, bool) {
	first, last, ranged := strings.Cut(s, "-")
	if ranged && listen {
		n, ok := atoi(last)
		if !ok || n < 1 || n > 65535 {
			return 0, false
		}
		m, ok := atoi(first)
		return m, ok && m >= 1 && m <= n
	}
	n, ok := atoi(s)
	return n, ok && n >= 1 && n <= 65535
}

// parsePortOnly reads a number where a host may stand as well: 0 and false when it is no number.
func parsePortOnly(s string) (int, bool) {
	if strings.Trim(s, "0123456789-") != "" || s == "" || s[0] == '-' {
		return 0, false
	}
	if n, ok := parsePort(s, true); ok {
		return n, true
	}
	return -1, false
}

func parseURL6(s string, listen, uriPart bool) (u hostPort, fault string) {
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return u, "invalid host"
	}
	host, rest := s[1:end], s[end+1:]
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		if listen || !uriPart {
			return u, "invalid host"
		}
		rest, u.uri = rest[:i], rest[i:]
	}
	if rest != "" {
		if rest[0] != ':' {
			return u, "invalid host"
		}
		port, ok := parsePort(rest[1:], listen)
		if !ok {
			return u, "invalid port"
		}
		u.port = port
	}
	if host == "" {
		return u, "no host"
	}
	addr, ok := parseIPv6(host)
	if !ok {
		return u, "invalid IPv6 address"
	}
	u.host, u.six = string(addr[:]), true
	return u, ""
}
