// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/debuglog"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"durward/waf/gate"
)

// Verdict is what stock Coraza says of a request.
type Verdict struct {
	Interrupted bool
	Status      int
	Rules       []int // that matched and say so in a log, sorted, each once
	Score       int   // blocking_inbound_anomaly_score
}

// Oracle is Coraza alone, with the rules of the Core Rule Set as they come.
// Safe for concurrent use.
type Oracle struct{ waf coraza.WAF }

// NewOracle makes one at a paranoia level, with the set-up that comes with the
// rules and what extra says behind it.
func NewOracle(paranoia int, extra string) (*Oracle, error) {
	return newOracle(fmt.Sprintf(`Include @coraza.conf-recommended
SecRuleEngine On
SecAuditEngine Off
SecArgumentsLimit 10000
SecRequestBodyLimit 134217728
SecRequestBodyInMemoryLimit 134217728
Include @crs-setup.conf.example
SecAction "id:900000,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=%d"
%s
Include @owasp_crs/*.conf`, paranoia, extra))
}

// OracleOf makes one with SecLang text of its own.
func OracleOf(text string) (*Oracle, error) { return newOracle(text) }

func newOracle(text string) (*Oracle, error) {
	w, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(coreruleset.FS).WithDebugLogger(debuglog.Noop()).WithDirectives(text))
	return &Oracle{w}, err
}

// Inspect runs the request phases.
func (o *Oracle) Inspect(r *gate.Request) Verdict {
	tx := o.waf.NewTransaction()
	defer tx.Close()
	feed(tx, r)
	v := Verdict{Rules: matched(tx)}
	if it := tx.Interruption(); it != nil {
		v.Interrupted, v.Status = true, it.Status
	}
	if state, ok := tx.(plugintypes.TransactionState); ok {
		if n := state.Variables().TX().Get("blocking_inbound_anomaly_score"); len(n) > 0 {
			v.Score, _ = strconv.Atoi(n[0])
		}
	}
	return v
}

func feed(tx types.Transaction, r *gate.Request) {
	tx.ProcessConnection(r.ClientAddr, r.ClientPort, r.ServerAddr, r.ServerPort)
	tx.ProcessURI(r.URI, r.Method, r.Protocol)
	for _, f := range r.Header {
		tx.AddRequestHeader(f.Name, f.Value)
	}
	if r.Host != "" {
		tx.AddRequestHeader("Host", r.Host)
	}
	tx.SetServerName(r.ServerName)
	if tx.ProcessRequestHeaders() != nil {
		return
	}
	if r.Inspect {
		if it, _, err := tx.WriteRequestBody(r.Body); it != nil || err != nil {
			return
		}
	}
	_, _ = tx.ProcessRequestBody()
}

func matched(tx types.Transaction) []int {
	var out []int
	for _, m := range tx.MatchedRules() {
		if l, ok := m.(interface{ Log() bool }); !ok || l.Log() {
			out = append(out, m.Rule().ID())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// regressionSetup is the set-up that the regression tests are written for.
const regressionSetup = `Include @coraza.conf-recommended
SecAuditEngine Off
SecResponseBodyMimeType text/plain
SecDefaultAction "phase:3,log,auditlog,pass"
SecDefaultAction "phase:4,log,auditlog,pass"
SecDefaultAction "phase:5,log,auditlog,pass"
SecAction "id:900005,phase:1,nolog,pass,ctl:ruleEngine=DetectionOnly,ctl:ruleRemoveById=910000,setvar:tx.blocking_paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535"
Include @crs-setup.conf.example
Include @owasp_crs/*.conf`

// NewRegression makes the oracle that the regression tests are written for:
// paranoia level 4, detection only.
func NewRegression() (*Oracle, error) { return newOracle(regressionSetup) }

// Fault says in which way a case does not lead to what it must; "" when it does.
func (o *Oracle) Fault(c *Case) string {
	for i := range c.Stages {
		if fault := o.stageFault(c, &c.Stages[i]); fault != "" {
			return fault
		}
	}
	return ""
}

func (o *Oracle) stageFault(c *Case, s *Stage) string {
	if s.Refused != 0 && (s.ExpectError || s.serverOnly() || s.Status == s.Refused) {
		return ""
	}
	if s.Request == nil {
		return fmt.Sprintf("the server refused the request with %d", s.Refused)
	}
	tx := o.waf.NewTransaction()
	defer tx.Close()
	feed(tx, s.Request)
	if s.looksBehindTheRequest() {
		o.respond(tx, s)
	}
	rules := matched(tx)
	for _, id := range s.Expect {
		if !slices.Contains(rules, id) {
			return fmt.Sprintf("rule %d did not match", id)
		}
	}
	for _, id := range s.Forbid {
		if slices.Contains(rules, id) {
			return fmt.Sprintf("rule %d matched", id)
		}
	}
	if s.serverOnly() && !slices.Contains(rules, c.Rule) {
		return fmt.Sprintf("neither the server nor rule %d found it", c.Rule)
	}
	return logFault(tx, s)
}

// serverOnly tells that a stage expects the web server itself to refuse: the
// tests are written for servers that are stricter than others. Here the rule
// that the case is about may find it as well.
func (s *Stage) serverOnly() bool {
	return s.Status >= 400 && len(s.Expect)+len(s.Forbid) == 0 && s.Match+s.NoMatch == ""
}

// looksBehindTheRequest tells whether a stage is about more than the rules of
// the request phases, whose ids are lower.
func (s *Stage) looksBehindTheRequest() bool {
	response := func(id int) bool { return id >= 950000 }
	return s.serverOnly() || s.Match+s.NoMatch != "" || slices.ContainsFunc(s.Expect, response) || slices.ContainsFunc(s.Forbid, response)
}

// respond runs the response phases, and what is behind them.
func (o *Oracle) respond(tx types.Transaction, s *Stage) {
	for _, f := range s.Answer.Header {
		tx.AddResponseHeader(f.Name, f.Value)
	}
	if tx.ProcessResponseHeaders(s.Answer.Status, "HTTP/1.1") == nil {
		_, _, _ = tx.WriteResponseBody(s.Answer.Body)
		_, _ = tx.ProcessResponseBody()
	}
	tx.ProcessLogging()
}

func logFault(tx types.Transaction, s *Stage) string {
	if s.Match+s.NoMatch == "" {
		return ""
	}
	var log string
	for _, m := range tx.MatchedRules() {
		log += m.ErrorLog() + "\n"
	}
	if s.Match != "" && !regexp.MustCompile(s.Match).MatchString(log) {
		return "the log lacks " + strconv.Quote(s.Match)
	}
	if s.NoMatch != "" && regexp.MustCompile(s.NoMatch).MatchString(log) {
		return "the log has " + strconv.Quote(s.NoMatch)
	}
	return ""
}
