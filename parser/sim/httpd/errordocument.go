package httpd

// Error answers, and ErrorDocument.

import (
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// die answers with an error or redirect status, through ErrorDocument. A request that has a status already is the
// answer to an earlier error: that one is reported. Source: ap_die_r.
func (r *request) die(status int) *request {
	if status == 200 && r.status == 200 {
		// R=200: sent as errors are, without the headers of success
		return r.sendError(200)
	}
	if r.status != 200 && r.status != 0 && (r.prev != nil || r.status != status) {
		first := r
		for first.prev != nil && first.prev.status != 200 {
			first = first.prev
		}
		if first != r {
			r.note(sim.Step{Kind: sim.StepFlow, Note: "the answer to " + strconv.Itoa(first.status) + " ended with " + strconv.Itoa(status) + " itself"})
			return first.sendError(first.status)
		}
		return r.sendError(status)
	}
	r.status = status
	if r.conf != nil {
		if doc := r.conf.errorDocs[status]; doc != nil && len(doc.Args) > 1 && !strings.EqualFold(doc.Arg(1), "default") {
			return r.errorDocument(doc, status)
		}
	}
	return r.sendError(status)
}

func (r *request) errorDocument(doc *ir.Setting, status int) *request {
	text := doc.Arg(1)
	if doc.Templates != nil {
		text = r.exprText(doc.Templates[1])
	}
	r.note(sim.Step{Kind: sim.StepRule, Origin: doc.Origin, Name: "ErrorDocument", Input: strconv.Itoa(status), Result: text})
	if strings.HasPrefix(text, "/") {
		nr := r.derive()
		nr.prev, nr.status, nr.errorPage = r, status, true
		nr.method = "GET"
		r.env.set("REQUEST_METHOD", r.method)
		nr.env = r.renamedEnv(status)
		nr.end, nr.always = r.end, r.always
		if r.location != nil && isRedirect(status) {
			nr.location = r.location
		}
		if r.tooDeep() {
			return r.die(500)
		}
		if st := nr.setTarget(text); st != 0 {
			nr.conf = r.conf
			return nr.die(st)
		}
		return nr.handleAll()
	}
	if isURL(text) {
		r.setLocation(text)
		r.status = 302
		return r.sendError(302)
	}
	body := strings.TrimPrefix(text, `"`)
	r.top.out.Body = &body
	return r.sendError(status)
}

// sendError ends with an error or a redirect.
func (r *request) sendError(status int) *request {
	if status == 0 {
		status = 500
	}
	if !knownStatus(status) {
		status = 500
	}
	if r.location != nil && status != 500 {
		for i := 0; i < len(*r.location); i++ {
			if c := (*r.location)[i]; c < 0x20 && c != '\t' || c == 0x7f {
				r.logError("AH02430: Response header 'Location' value of '" + *r.location + "' contains invalid characters, aborting request")
				r.location = nil
				status = 500
				break
			}
		}
	}
	r.status = status
	r.top.out.Status = status
	r.errorResponse = true
	r.sendHeaders(status)
	return r
}

// knownStatus tells whether httpd has a status line for a code. Source: status_lines of http_protocol.c.
func knownStatus(n int) bool {
	switch {
	case n >= 100 && n <= 103, n >= 200 && n <= 208, n == 226, n >= 300 && n <= 308 && n != 306, n >= 400 && n <= 417, n == 421, n == 422, n == 423,
		n == 424, n == 425, n == 426, n == 428, n == 429, n == 431, n == 451, n >= 500 && n <= 508 && n != 509, n == 510, n == 511:
		return true
	}
	return false
}
