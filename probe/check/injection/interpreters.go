// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"durward/probe/check"
	"durward/probe/finding"
)

// computed asks for the product of two numbers in some form. The product does not
// stand in what is sent, so it stands in the answer only when somebody computed
// it. It is asked twice, with other numbers.
func (p *place) computed(ctx context.Context, write func(a, b int) (sent, want string)) []finding.Step {
	var steps []finding.Step
	for range 2 {
		a, b := 10000+p.env.Rand.IntN(80000), 10000+p.env.Rand.IntN(80000)
		sent, want := write(a, b)
		e := p.send(ctx, sent)
		if e == nil || !strings.Contains(string(e.Answer.Body), want) {
			return nil
		}
		steps = append(steps, p.env.Step("asked to compute "+want, e))
	}
	return steps
}

// expressions are those of template languages, {e} standing for a product.
var expressions = []string{
	"{{" + "{e}" + "}}",  // Jinja, Twig, Nunjucks, Handlebars helpers, Angular
	"${" + "{e}" + "}",   // FreeMarker, Thymeleaf, JSP EL, Mako, JavaScript
	"#{" + "{e}" + "}",   // Ruby, Pug, JSF
	"<%= {e} %>",         // ERB, EJS
	"{" + "{e}" + "}",    // Smarty, Latte
	"*{" + "{e}" + "}",   // Thymeleaf, of a form
	"@({e})",             // Razor
	"{{=" + "{e}" + "}}", // doT
	"#set($x={e})$x",     // Velocity
	"{% print({e}) %}",
}

// template looks for template languages. A place that computes a bare product is
// there to compute, and no template.
func (p *place) template(ctx context.Context) {
	for _, x := range expressions {
		steps := p.computed(ctx, func(a, b int) (string, string) {
			return strings.ReplaceAll(x, "{e}", fmt.Sprintf("%d*%d", a, b)), strconv.Itoa(a * b)
		})
		if steps != nil && !p.calculates(ctx) {
			p.report(templateInjection, finding.Certain, "An expression of a template language within the value is evaluated: the answer has the product of two numbers that were sent.", steps...)
			return
		}
	}
	// Go's templates cannot multiply: characters by their numbers.
	steps := p.computed(ctx, func(a, b int) (string, string) {
		x, y := 'a'+rune(a%26), 'a'+rune(b%26)
		return fmt.Sprintf(`{{printf "%%c%%d%%c" %d %d %d}}`, x, a, y), fmt.Sprintf("%c%d%c", x, a, y)
	})
	if steps != nil {
		p.report(templateInjection, finding.Certain, "A call of a function within the value is evaluated as a template.", steps...)
	}
}

// calculates tells that the place is a calculator's.
func (p *place) calculates(ctx context.Context) bool {
	return p.computed(ctx, func(a, b int) (string, string) { return fmt.Sprintf("%d*%d", a, b), strconv.Itoa(a * b) }) != nil
}

// lines of a shell, {c} standing for a command.
var shellForms = []string{
	"{v};{c}", "{v}|{c}", "{v}$({c})", "{v}`{c}`", "{v}&&{c}", "{v}\n{c}\n", "{v}\";{c};\"", "{v}';{c};'", "{v}||{c}", "{v}&{c}&",
}

// shell looks for a shell by what it computes.
func (p *place) shell(ctx context.Context) {
	for _, form := range shellForms {
		if strings.Contains(form, "\n") && p.at.In == "header" {
			continue
		}
		mark := p.word()
		steps := p.computed(ctx, func(a, b int) (string, string) {
			c := fmt.Sprintf("echo %s$((%d*%d))%s", mark, a, b, mark)
			return strings.NewReplacer("{v}", p.plain(), "{c}", c).Replace(form), mark + strconv.Itoa(a*b) + mark
		})
		if steps != nil {
			p.report(commandInjection, finding.Certain, "A command within the value is run by a shell: the answer has what it computed.", steps...)
			return
		}
	}
	steps := p.computed(ctx, func(a, b int) (string, string) {
		return fmt.Sprintf("%s & set /a %d*%d", p.plain(), a, b), strconv.Itoa(a * b)
	})
	if steps != nil && !p.calculates(ctx) {
		p.report(commandInjection, finding.Certain, "A command within the value is run by the shell of Windows: the answer has what it computed.", steps...)
	}
}

// shellPauses wait without a word.
var shellPauses = []string{
	"{v};sleep {s};", "{v}|sleep {s}", "{v}$(sleep {s})", "{v}\";sleep {s};\"", "{v}';sleep {s};'", "{v}&sleep {s}&wait",
	"{v}\nsleep {s}\n", "{v}&timeout /t {i} /nobreak&",
}

// shellTime looks for a shell by how long it takes.
func (p *place) shellTime(ctx context.Context) {
	for _, form := range shellPauses {
		if strings.Contains(form, "\n") && p.at.In == "header" {
			continue
		}
		if steps := p.waits(ctx, form); steps != nil {
			p.report(commandInjection, finding.Firm, "A command within the value makes the answer wait for as long as it says, each time: a shell runs it.", steps...)
			return
		}
	}
}

// awaited is a request to the run's own listener that a service may still make.
type awaited struct {
	hit  func() bool
	step finding.Step
	e    *check.Exchange
}

// request looks for a service that fetches what it is told to.
func (p *place) request(ctx context.Context) {
	if p.env.Listener == nil {
		return
	}
	forms := []string{"{url}"}
	if addressed(p.at.Name, p.plain()) {
		forms = append(forms, "{bare}")
	}
	for _, form := range forms {
		u, hit := p.env.Listener.URL()
		bare := strings.TrimPrefix(u, "http://")
		e := p.send(ctx, strings.NewReplacer("{url}", u, "{bare}", bare).Replace(form))
		if e == nil {
			continue
		}
		p.hits = append(p.hits, awaited{hit: hit, e: e, step: p.env.Step("the address of the run's own listener", e)})
	}
	if addressed(p.at.Name, p.plain()) {
		until(ctx, 600*time.Millisecond, p.anyHit)
	}
}

// requested reports what was fetched since.
func (p *place) requested(ctx context.Context) {
	if len(p.hits) > 0 && addressed(p.at.Name, p.plain()) {
		until(ctx, 400*time.Millisecond, p.anyHit) // a busy service may be late
	}
	for _, h := range p.hits {
		if h.hit() {
			p.report(serverSideRequest, finding.Certain, "The service sent a request to an address that the caller named, on its own loopback interface.", h.step)
			return
		}
	}
}

func (p *place) anyHit() bool {
	for _, h := range p.hits {
		if h.hit() {
			return true
		}
	}
	return false
}

// until waits for something that may happen behind an answer.
func until(ctx context.Context, most time.Duration, done func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(most)
	defer end.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-end.C:
			return done()
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// addressed tells that a place is likely for an address.
func addressed(name, value string) bool {
	if strings.Contains(value, "://") {
		return true
	}
	name = strings.ToLower(name)
	for _, word := range []string{"url", "uri", "link", "callback", "hook", "host", "feed", "image", "avatar", "src", "source", "target", "dest", "endpoint", "site", "domain", "proxy", "import", "fetch", "address"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
