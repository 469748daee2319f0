// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"strings"

	"durward/probe/call"
	"durward/probe/check"
	"durward/probe/client"
	"durward/probe/finding"
)

// known content of files that every system has.
var wellKnown = []struct {
	name string
	text *regexp.Regexp
}{
	{"/etc/passwd", regexp.MustCompile(`root:[^:\n]{0,60}:0:0:`)},
	{"C:\\Windows\\win.ini", regexp.MustCompile(`(?i)\[(fonts|extensions|mci extensions)\]\s*(\r?\n|\\r|\\n)`)},
}

func fileShown(a *client.Answer) string {
	for _, f := range wellKnown {
		if f.text.Match(a.Body) {
			return f.name
		}
	}
	return ""
}

const up = 8 // folders upwards

// paths lead to a well-known file, in the spellings that filters forget. Those
// that are Raw are escaped already.
func paths(value string) []any {
	ups := func(one string) string { return strings.Repeat(one, up) }
	folder := ""
	if i := strings.LastIndexAny(value, `/\`); i >= 0 {
		folder = value[:i+1]
	}
	out := []any{
		ups("../") + "etc/passwd", "/etc/passwd", ups("....//") + "etc/passwd", ups("..%2f") + "etc%2fpasswd",
		ups("%2e%2e%2f") + "etc%2fpasswd", ups("..%252f") + "etc%252fpasswd", ups("..././") + "etc/passwd",
		"file:///etc/passwd", ups(`..\`) + `windows\win.ini`, `C:\windows\win.ini`, ups(`..\/`) + "etc/passwd", ups("..;/") + "etc/passwd",
		ups("..%c0%af") + "etc/passwd",
	}
	if folder != "" {
		out = append(out, folder+ups("../")+"etc/passwd")
	}
	if dot := strings.LastIndexByte(value, '.'); dot > 0 && len(value)-dot < 6 {
		out = append(out, ups("../")+"etc/passwd\x00"+value[dot:])
	}
	return out
}

// file looks for paths that lead out of where they should.
func (p *place) file(ctx context.Context) {
	for _, path := range paths(p.plain()) {
		text, _ := path.(string)
		if strings.ContainsRune(text, 0) && p.at.In == "header" {
			continue
		}
		if steps := p.leadsTo(ctx, path); steps != nil {
			p.report(pathTraversal, finding.Certain, "A path within the value leads out of the folder: the answer is a file of the system.", steps...)
			return
		}
	}
	// Paths as they stand, for services that take the path of a URL apart themselves.
	if p.at.In == "path" {
		for _, raw := range []string{strings.Repeat("%2e%2e%2f", up) + "etc%2fpasswd", strings.Repeat("..%252f", up) + "etc%252fpasswd", strings.Repeat("../", up) + "etc/passwd"} {
			if steps := p.leadsTo(ctx, call.Raw(raw)); steps != nil {
				p.report(pathTraversal, finding.Certain, "A path within the value leads out of the folder: the answer is a file of the system.", steps...)
				return
			}
		}
	}
}

func (p *place) leadsTo(ctx context.Context, path any) []finding.Step {
	var steps []finding.Step
	for range 2 {
		e := p.send(ctx, path)
		if e == nil || fileShown(e.Answer) == "" || fileShown(p.good().Answer) != "" {
			return nil
		}
		steps = append(steps, p.env.Step("a path to "+fileShown(e.Answer), e))
	}
	return steps
}

// markup looks for text that becomes markup of a page: of the usual answer, or of
// the one that browsers get.
func (p *place) markup(ctx context.Context) {
	for _, accept := range []string{"", "text/html"} {
		var steps []finding.Step
		for range 2 {
			mark := p.word()
			e := p.sendAccepting(ctx, mark+"<b>"+mark, accept)
			if e == nil || !isPage(e.Answer) || !strings.Contains(string(e.Answer.Body), mark+"<b>"+mark) {
				break
			}
			steps = append(steps, p.env.Step("markup in the value", e))
		}
		if len(steps) == 2 {
			p.report(htmlInjection, finding.Firm, "Markup within the value is markup of the page that answers, so that whoever follows a prepared link runs somebody else's script.", steps...)
			return
		}
	}
}

// sendAccepting sends a value and names the type of answer that is wanted.
func (p *place) sendAccepting(ctx context.Context, v any, accept string) *check.Exchange {
	if accept == "" || p.left <= 0 || p.err != nil {
		return p.send(ctx, v)
	}
	p.left--
	c := p.base.Clone()
	if p.login && !p.known {
		p.stranger(c)
	}
	c.Set(p.at, v)
	r, err := p.env.World.Request(ctx, c, p.as)
	if err != nil || r == nil {
		return nil
	}
	r.Set("Accept", accept)
	e, err := p.env.World.Do(ctx, r)
	if check.Fatal(ctx, err) {
		p.err = err
	}
	if err != nil || e == nil || e.Answer == nil {
		return nil
	}
	return e
}

func isPage(a *client.Answer) bool {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	return kind == "text/html" || kind == "application/xhtml+xml" || kind == "image/svg+xml"
}

// lines looks for a line end that ends up in the header of the answer.
func (p *place) lines(ctx context.Context) {
	if p.at.In == "header" || p.at.In == "cookie" {
		return
	}
	for _, end := range []string{"\r\n", "\n", "\r", "嘊嘍"} {
		name := "X-" + strings.ToUpper(p.word()[:1]) + p.word()
		value := p.word()
		e := p.send(ctx, p.plain()+end+name+": "+value)
		if e == nil {
			continue
		}
		if e.Answer.Header.Get(name) != value {
			continue
		}
		p.report(headerInjection, finding.Certain, "A line end within the value ends a line of the answer's header: a field of the caller's own is in it.", p.env.Step("a line end and a field "+name, e))
		return
	}
}

// redirect looks for answers that send the browser to any host. Nobody follows
// them, and the host does not exist (RFC 2606).
func (p *place) redirect(ctx context.Context) {
	if p.at.In != "query" && p.at.In != "body" && p.at.In != "path" {
		return
	}
	led := p.good().Answer.Header.Get("Location") != ""
	if p.at.In == "body" && !led && !addressed(p.at.Name, p.plain()) {
		return
	}
	host := p.word() + ".example"
	for _, form := range []string{"https://%s/", "//%s/", `/\%s/`, "https:%s/"} {
		var steps []finding.Step
		for range 2 {
			e := p.send(ctx, fmt.Sprintf(form, host))
			if e == nil || !leads(e, host) {
				break
			}
			steps = append(steps, p.env.Step("another host as the target", e))
		}
		if len(steps) == 2 {
			p.report(openRedirect, finding.Firm, "The answer sends the browser to whatever host the value names.", steps...)
			return
		}
		if !led && steps == nil && p.at.In != "query" {
			return
		}
	}
}

// leads tells whether an answer redirects to a host, as browsers read Location.
func leads(e *check.Exchange, host string) bool {
	if e.Answer.Status < 300 || e.Answer.Status > 399 {
		return false
	}
	to := strings.ReplaceAll(strings.TrimSpace(e.Answer.Header.Get("Location")), `\`, "/")
	if rest, ok := strings.CutPrefix(to, "https:"); ok && !strings.HasPrefix(rest, "/") {
		to = "https://" + rest
	}
	u, err := url.Parse(to)
	return err == nil && u.Hostname() == host
}
