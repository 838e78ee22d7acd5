package nginx

import (
	"strings"

	"rewright/parser/ir"
)

// plainVariables are Apache's variables that nginx has under another name, as the client sent them or as the
// server made them: nothing in them can end a header line.
var plainVariables = map[string]string{
	"HTTP_HOST": "http_host", "HTTP_USER_AGENT": "http_user_agent", "HTTP_REFERER": "http_referer", "HTTP_COOKIE": "http_cookie",
	"HTTP_FORWARDED": "http_forwarded", "HTTP_ACCEPT": "http_accept", "HTTP_PROXY_CONNECTION": "http_proxy_connection",
	"REQUEST_METHOD": "request_method", "QUERY_STRING": "args", "SERVER_NAME": "host", "SERVER_ADDR": "server_addr",
	"REMOTE_ADDR": "remote_addr", "REMOTE_HOST": "remote_addr", "CONN_REMOTE_ADDR": "remote_addr", "REMOTE_PORT": "remote_port", "REMOTE_USER": "remote_user", "SERVER_PROTOCOL": "server_protocol",
	"REQUEST_SCHEME": "scheme", requestPath: "request_path", "THE_REQUEST": "request", "DOCUMENT_ROOT": "document_root", "CONTEXT_DOCUMENT_ROOT": "document_root",
}

// askedURI is the path that the rules began with.
const askedURI = "asked_uri"

const askedPortMap = `# The port as httpd sees it: that of the Host header, else the usual one of the scheme.
map "$scheme $http_host" $asked_port {
    default 80;
    "~:(?<asked_port_written>[0-9]+)$" $asked_port_written;
    "~^https" 443;
}`

// emptyVariables are empty in httpd whatever the request is.
var emptyVariables = map[string]bool{"REQUEST_URL": true, "SCRIPT_NAME": true, "UNIQUE_ID": true, "CONTEXT_PREFIX": true, "AUTH_TYPE": true, "REMOTE_IDENT": true}

// httpVariables are all variables of httpd that begin with HTTP_.
var httpVariables = map[string]bool{"HTTP_HOST": true, "HTTP_USER_AGENT": true, "HTTP_REFERER": true, "HTTP_COOKIE": true, "HTTP_FORWARDED": true, "HTTP_ACCEPT": true, "HTTP_PROXY_CONNECTION": true, "HTTPS": true}

// header is nginx's variable for a request header.
func header(name string) string {
	return "http_" + strings.ToLower(strings.ReplaceAll(name, "-", "_"))
}

// variableOf gives the pieces that stand for one of Apache's variables; why says what is in the way.
func (c *compiler) variableOf(p *ir.Part) (out []piece, why string) {
	switch p.Space {
	case "":
	case "HTTP":
		if strings.ContainsAny(p.Name, "_ ") {
			return nil, "nginx cannot see a header named " + p.Name
		}
		return []piece{variable(header(p.Name))}, ""
	case "ENV":
		return c.environment(p.Name)
	case "LA-U":
		// what the server's own phases will make of the path
		if c.server && p.Name == "REQUEST_FILENAME" && c.area != nil && len(c.area.mapped) == 0 {
			return []piece{decodedVar("request_filename")}, ""
		}
		return nil, "nginx has nothing like " + p.Text
	default:
		return nil, "nginx has nothing like " + p.Text
	}
	if v, ok := plainVariables[p.Name]; ok {
		if p.Name == "DOCUMENT_ROOT" && c.area != nil && c.area.docroot != "" {
			return []piece{variable(v)}, ""
		}
		return []piece{variable(v)}, ""
	}
	switch p.Name {
	case "REQUEST_URI":
		return []piece{decodedVar("uri")}, ""
	case "REQUEST_FILENAME", "SCRIPT_FILENAME":
		if c.server {
			return []piece{decodedVar("uri")}, ""
		}
		return []piece{decodedVar("request_filename")}, ""
	case "HTTPS":
		c.out.maps["https_on_off"] = "map $https $https_on_off {\n    default off;\n    on on;\n}"
		return []piece{variable("https_on_off")}, ""
	case "SERVER_PORT":
		c.out.maps["asked_port"] = askedPortMap
		return []piece{variable("asked_port")}, ""
	case "IS_SUBREQ":
		return []piece{lit("false")}, ""
	}
	if emptyVariables[p.Name] || strings.HasPrefix(p.Name, "HTTP_") && !httpVariables[p.Name] || len(p.Name) < 4 {
		return nil, ""
	}
	return nil, "nginx has nothing like " + p.Text
}

// environment is a variable of Apache's request environment: one that E= or SetEnvIf made. Others are taken to be empty.
func (c *compiler) environment(name string) ([]piece, string) {
	if v, ok := c.env[name]; ok {
		return []piece{variable(v)}, ""
	}
	if name == "REDIRECT_STATUS" {
		c.usesRound = true
		return []piece{variable("redirect_status")}, ""
	}
	if rest, ok := strings.CutPrefix(name, "REDIRECT_"); ok {
		if v, ok := c.env[rest]; ok {
			return []piece{variable(v)}, ""
		}
	}
	return nil, ""
}
