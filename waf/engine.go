// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/debuglog"
	"github.com/corazawaf/coraza/v3/experimental"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"

	"durward/waf/gate"
)

// Engine is one Coraza instance with one set of rules, shared by all
// operations. Safe for concurrent use.
type Engine struct {
	waf coraza.WAF
}

// NewEngine compiles a rule set for the request phases, which takes about a
// second of processor time with the whole of CRS.
func NewEngine(rules *Rules) (*Engine, error) { return newEngine(rules.Text, rules.FS) }

// newEngine compiles SecLang text, which reads its files from where rules say.
//
// Nothing that Coraza would log of a request is logged: its debug log and its
// audit log are off, and matches are read from the transaction.
func newEngine(text string, root fs.FS) (*Engine, error) {
	c := coraza.NewWAFConfig().WithRootFS(root).WithDebugLogger(debuglog.Noop()).WithDirectives(text)
	w, err := coraza.NewWAF(c)
	if err != nil {
		return nil, err
	}
	return &Engine{waf: w}, nil
}

// Close releases what the instance shares with others: compiled expressions.
// Inspections under way end well.
func (e *Engine) Close() error {
	if c, ok := e.waf.(experimental.WAFCloser); ok {
		return c.Close()
	}
	return nil
}

// Count is the number of rules.
func (e *Engine) Count() int {
	if c, ok := e.waf.(experimental.WAFWithRules); ok {
		return c.RulesCount()
	}
	return 0
}

// Settings are what one inspection differs in from another: they travel in the
// transaction, so that all operations share the instance.
type Settings struct {
	Paranoia  int // paranoia level whose matches count, 1 to 4
	Detection int // paranoia level whose rules run; not below Paranoia
	Inbound   int // score at which a request is refused
	Outbound  int // score at which an answer is
	Profile   int // of exclusions, as in Rules; 0 excludes nothing
	Report    bool
}

var errPanic = errors.New("waf: the rule engine panicked")

// Inspect runs the request phases. An error means that no verdict was reached.
func (e *Engine) Inspect(r *gate.Request, s *Settings) (Verdict, error) {
	return e.transaction(s, func(tx types.Transaction) (Verdict, error) {
		if err := request(tx, r); err != nil {
			return Verdict{}, err
		}
		return verdictOf(tx, "blocking_inbound_anomaly_score", 0)
	})
}

// transaction runs f with a new transaction under settings. A panic of the
// engine is an error.
func (e *Engine) transaction(s *Settings, f func(types.Transaction) (Verdict, error)) (v Verdict, err error) {
	var tx types.Transaction
	defer func() {
		if p := recover(); p != nil {
			// What the panic holds may quote the request.
			v, err = Verdict{}, fmt.Errorf("%w: %T", errPanic, p)
			return
		}
		if e := tx.Close(); e != nil && err == nil {
			v, err = Verdict{}, fmt.Errorf("waf: the transaction could not be closed: %T", e)
		}
	}()
	tx = e.waf.NewTransaction()
	if err := s.put(tx); err != nil {
		return Verdict{}, err
	}
	return f(tx)
}

// put gives a transaction its settings, before any rule runs: the rules that
// initialise CRS keep what is set already.
func (s *Settings) put(tx types.Transaction) error {
	state, ok := tx.(plugintypes.TransactionState)
	if !ok {
		return errors.New("waf: the engine gives no access to variables")
	}
	vars := state.Variables().TX()
	s.each(func(name string, n int) { vars.Set(name, []string{small(n)}) })
	return nil
}

// each gives the variables by which an inspection differs from another.
func (s *Settings) each(set func(name string, n int)) {
	set("blocking_paranoia_level", s.Paranoia)
	set("detection_paranoia_level", s.Detection)
	set("inbound_anomaly_score_threshold", s.Inbound)
	set("outbound_anomaly_score_threshold", s.Outbound)
	if s.Profile != 0 {
		set(profileVariable, s.Profile)
	}
	if s.Report {
		set(reportVariable, 1)
	}
}

// variables are the settings for the gate, by name.
func (s *Settings) variables() map[string]string {
	out := map[string]string{}
	s.each(func(name string, n int) { out[name] = small(n) })
	return out
}

// request feeds the request phases, as far as no rule interrupts them.
func request(tx types.Transaction, r *gate.Request) error {
	head(tx, r)
	if tx.ProcessRequestHeaders() != nil {
		return nil
	}
	if r.Inspect && len(r.Body) > 0 {
		it, n, err := tx.WriteRequestBody(r.Body)
		switch {
		case err != nil:
			return fmt.Errorf("waf: content could not be taken: %T", err)
		case it != nil:
			return nil
		case n != len(r.Body) && tx.IsRequestBodyAccessible():
			return io.ErrShortWrite
		}
	}
	if _, err := tx.ProcessRequestBody(); err != nil {
		return fmt.Errorf("waf: content could not be processed: %T", err)
	}
	return nil
}

func head(tx types.Transaction, r *gate.Request) {
	tx.ProcessConnection(r.ClientAddr, r.ClientPort, r.ServerAddr, r.ServerPort)
	tx.ProcessURI(r.URI, r.Method, r.Protocol)
	if r.Host != "" {
		tx.AddRequestHeader("Host", r.Host)
	}
	if r.ServerName != "" {
		tx.SetServerName(r.ServerName)
	}
	for i := range r.Header {
		tx.AddRequestHeader(r.Header[i].Name, r.Header[i].Value)
	}
}
