package nginx

import (
	"strconv"
	"strings"

	"rewright/parser/sim"
)

// sentHeader is a header line of the response.
type sentHeader struct {
	name  string
	value text
}

// builtinPage tells whether nginx has a page of its own for a status. Source: ngx_http_error_pages.
func builtinPage(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 421, 429,
		494, 495, 496, 497, 498, 500, 501, 502, 503, 504, 505, 507:
		return true
	}
	return false
}

// finalize ends the request with a status, through error_page and the built-in pages.
// Source: ngx_http_finalize_request.
func (r *request) finalize(status int) next {
	switch {
	case status == 408 || status == 499 || status == 444:
		return r.closed(status)
	case status >= 300 || status == 201 || status == 204:
		return r.special(status)
	}
	// Nothing was sent, and nginx lets the connection end.
	return r.closed(r.status)
}

// closed ends the request without a response.
func (r *request) closed(status int) next {
	r.out.Status, r.out.Closed = status, true
	return done
}

// special is ngx_http_special_response_handler.
func (r *request) special(status int) next {
	r.errStatus = status
	r.contentType = ""
	l := r.conf
	if !r.errorPage && len(l.errorPages) > 0 && r.uriChanges != 0 {
		if !l.recursiveErrorPages {
			r.errorPage = true
		}
		for i := range l.errorPages {
			if l.errorPages[i].status == status {
				return r.sendErrorPage(&l.errorPages[i])
			}
		}
	}
	if (status == 301 || status == 302) && l.msieRefresh && strings.Contains(r.userAgent(), "MSIE ") {
		r.giveUp("msie_refresh is not modelled")
	}
	switch status {
	case 494, 495, 496, 497:
		r.errStatus = 400
	}
	return r.sendSpecial(status)
}

func (r *request) userAgent() string {
	if h := r.findHeader("user-agent"); h != nil {
		return h.value
	}
	return ""
}

// sendErrorPage is ngx_http_send_error_page.
func (r *request) sendErrorPage(p *errorPage) next {
	if p.overwrite >= 0 {
		r.errStatus = p.overwrite
	}
	target := r.eval(p.target, evalValue, false)
	if r.trace {
		r.note(sim.Step{Kind: sim.StepRule, Origin: p.origin, Name: "error_page", Input: strconv.Itoa(p.status), Result: target.s})
	}
	if strings.HasPrefix(target.s, "/") {
		uri, args, _ := strings.Cut(r.must(target), "?")
		if r.method != "HEAD" {
			r.method = "GET"
		}
		return r.internalRedirect(uri, args, p.origin, "error_page")
	}
	if strings.HasPrefix(target.s, "@") {
		return r.namedLocation(r.must(target))
	}
	r.setLocation(text{s: r.must(target)})
	switch p.overwrite {
	case 301, 302, 303, 307, 308:
	default:
		r.errStatus = 302
	}
	return r.sendSpecial(r.errStatus)
}

// sendSpecial sends a built-in page or an empty body. Source: ngx_http_send_special_response.
func (r *request) sendSpecial(page int) next {
	if builtinPage(page) {
		r.contentType, r.hasLength = "text/html", false
	} else {
		r.contentLength, r.hasLength = 0, true
	}
	return r.send(nil)
}

// setLocation sets the Location header of the response, in place of one set before.
func (r *request) setLocation(t text) { r.location = &t }

// sendResponse answers with a text or a Location of the configuration. Source: ngx_http_send_response.
func (r *request) sendResponse(c *code) (status int, sent bool) {
	r.status = c.status
	t := r.eval(c.value, evalValue, false)
	if r.trace {
		r.note(sim.Step{Kind: sim.StepRule, Origin: c.origin, Name: "return", Input: strconv.Itoa(c.status), Result: t.s})
	}
	switch c.status {
	case 301, 302, 303, 307, 308:
		r.setLocation(t)
		return c.status, false
	}
	r.contentLength, r.hasLength = int64(len(t.s)), t.why == ""
	r.setContentType()
	if r.conf.bodyFilter != "" && t.s != "" {
		t.why = r.conf.bodyFilter + " may change the text"
	}
	body := r.must(t)
	r.send(&body)
	return declined, true
}

// setContentType gives the response the type of the extension of the URI. Source: ngx_http_set_content_type.
func (r *request) setContentType() {
	if r.contentType != "" {
		return
	}
	types := r.conf.types
	if types == nil {
		types = defaultTypes
	}
	if ext := extension(r.uri); ext != "" {
		if t, ok := types[asciiLower(ext)]; ok {
			r.contentType = t
			return
		}
	}
	r.typeUnknown = r.conf.typesUnknown
	r.contentType = r.conf.defaultType
}

var defaultTypes = map[string]string{"html": "text/html", "gif": "image/gif", "jpg": "image/jpeg"}

// extension is what stands behind the last dot of the last part of a URI. Source: ngx_http_set_exten.
func extension(uri string) string {
	for i := len(uri) - 1; i > 1; i-- {
		if uri[i] == '.' && uri[i-1] != '/' {
			return uri[i+1:]
		}
		if uri[i] == '/' {
			return ""
		}
	}
	return ""
}

// send writes the header of the response, and with it the outcome. body is the text of the configuration or of a
// backend; nil: a file or a page of nginx's own. Source: ngx_http_send_header, ngx_http_header_filter.
func (r *request) send(body *string) next {
	if len(r.conf.headerPhase) > 0 {
		r.giveUp("%s", r.conf.headerPhase[0])
	}
	if r.errStatus != 0 {
		r.status = r.errStatus
	}
	out := r.out
	out.Status = r.status
	r.filterHeaders()
	noBody := r.method == "HEAD" || r.status == 204 || r.status == 304
	if body != nil && !noBody {
		out.Body = body
	}
	if r.status == 204 {
		r.contentType, r.hasLength = "", false
	}
	if r.contentType != "" {
		v := r.contentType
		if r.conf.charset != "" {
			v = ""
		}
		r.outHeader("Content-Type", text{s: v, why: orElse(r.typeUnknown, r.conf.charset)})
	}
	if r.hasLength {
		r.outHeader("Content-Length", text{s: itoa(r.contentLength)})
	}
	if r.location != nil {
		to := r.must(*r.location)
		if strings.HasPrefix(to, "/") && r.conf.absoluteRedirect {
			to = r.absolute(to)
		}
		out.Location = &to
	}
	for _, h := range r.sent {
		if equalFold(h.name, "Location") && out.Location == nil {
			v := r.must(h.value)
			out.Location = &v
			continue
		}
		r.outHeader(h.name, h.value)
	}
	return done
}

func orElse(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// outHeader puts a header into the outcome; one whose value is not known is named in UnknownHeader.
func (r *request) outHeader(name string, v text) {
	if v.why != "" {
		r.out.UnknownHeader = append(r.out.UnknownHeader, name)
		return
	}
	if r.out.Header == nil {
		r.out.Header = make([][2]string, 0, 2+len(r.sent))
	}
	r.out.Header = append(r.out.Header, [2]string{name, v.s})
}

// absolute puts scheme, host and port before a path. Source: ngx_http_header_filter.
func (r *request) absolute(path string) string {
	host := r.host
	if r.conf.serverName {
		host = r.server.first
	} else if host == "" {
		host = r.serverAddr()
	}
	scheme, own := "http://", 80
	if r.tls {
		scheme, own = "https://", 443
	}
	if r.conf.portInRedirect && r.port != own {
		host += ":" + strconv.Itoa(r.port)
	}
	return scheme + host + path
}

// where fills in where the request ended. It is asked when all is over, for it evaluates variables.
func (r *request) where() {
	r.out.URI, r.out.Query = r.uri, r.args
	r.trace = false
	defer func() {
		if e := recover(); e != nil {
			if _, ok := e.(unknown); !ok {
				panic(e)
			}
		}
	}()
	if p, ok := r.mapPath(); ok && p.why == "" {
		r.out.Filename = p.s
	}
}
