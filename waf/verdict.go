// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waf

import (
	"slices"
	"strconv"
	"strings"

	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"

	"durward"
)

// Verdict is what the rules say of one request or answer.
type Verdict struct {
	// Interrupted says that a rule refuses it. In report mode nothing is
	// interrupted, and this says what would have been.
	Interrupted bool
	Status      int // that the rule asks for; 0 leaves it to the gateway
	Rule        int // that refuses: 949110 for the score
	Score       int // anomaly score, as far as it counts
	// Findings are the rules that found something, at most maxFindings, with
	// what they found it in; Rules are the ids of all of them, sorted.
	Findings []durward.Finding
	Rules    []int
}

// Most findings that are told of one exchange, and most bytes of a name.
const (
	maxFindings = 16
	maxName     = 128
)

// logged is what a matched rule says beside types.MatchedRule.
type logged interface{ Log() bool }

// detectionOnly is what a transaction in report mode would have done.
type detectionOnly interface {
	DetectionOnlyInterruption() *types.Interruption
}

// verdictOf reads what happened in a transaction, but for the first matches.
// score names the variable.
func verdictOf(tx types.Transaction, score string, first int) (Verdict, error) {
	var v Verdict
	it := tx.Interruption()
	if d, ok := tx.(detectionOnly); ok && it == nil {
		it = d.DetectionOnlyInterruption()
	}
	if it != nil && it.Action != "allow" {
		v.Interrupted, v.Status, v.Rule = true, it.Status, it.RuleID
	}
	state := tx.(plugintypes.TransactionState) // put has seen that it is one
	if n := state.Variables().TX().Get(score); len(n) > 0 {
		v.Score, _ = strconv.Atoi(n[0])
	}
	for _, m := range tx.MatchedRules()[first:] {
		if l, ok := m.(logged); ok && !l.Log() || bookkeeping(m.Rule().ID()) {
			continue
		}
		id := m.Rule().ID()
		v.Rules = append(v.Rules, id)
		if len(v.Findings) < maxFindings {
			v.Findings = append(v.Findings, finding(state, m))
		}
	}
	slices.Sort(v.Rules)
	v.Rules = slices.Compact(v.Rules)
	return v, nil
}

// bookkeeping tells whether a rule of CRS counts scores, sets up or reports,
// and finds nothing itself.
func bookkeeping(id int) bool {
	return id >= 901000 && id < 902000 || id >= 949000 && id < 950000 || id >= 959000 && id < 960000 || id >= 980000 && id < 981000
}

func finding(state plugintypes.TransactionState, m types.MatchedRule) durward.Finding {
	f := durward.Finding{Rule: m.Rule().ID(), Class: class(m.Rule().Tags())}
	if data := m.MatchedDatas(); len(data) > 0 {
		f.In, f.Name = place(state, data[0].Variable().Name(), data[0].Key())
	}
	return f
}

// class is the kind of attack that a rule is against, as its tags say: sqli, xss.
func class(tags []string) string {
	for _, t := range tags {
		if kind, ok := strings.CutPrefix(t, "attack-"); ok {
			return kind
		}
	}
	return ""
}

// place says in the words of the gateway where a variable of SecLang lies. The
// names of parameters, when they themselves are what was found, are values of
// the client's and are not told.
func place(state plugintypes.TransactionState, variable, key string) (in, name string) {
	switch variable {
	case "ARGS", "ARGS_GET", "ARGS_POST":
		in, name = argument(state, variable, key)
	case "ARGS_NAMES", "ARGS_GET_NAMES", "ARGS_POST_NAMES", "REQUEST_COOKIES_NAMES", "REQUEST_HEADERS_NAMES", "MULTIPART_NAME":
		in = "name"
	case "REQUEST_HEADERS":
		in, name = "header", key
	case "REQUEST_COOKIES":
		in, name = "cookie", key
	case "REQUEST_URI", "REQUEST_URI_RAW", "REQUEST_LINE", "REQUEST_BASENAME", "REQUEST_FILENAME":
		in = "path"
	case "QUERY_STRING":
		in = "query"
	case "REQUEST_BODY", "XML", "REQUEST_XML", "REQBODY_ERROR", "FILES", "FILES_NAMES", "MULTIPART_FILENAME", "MULTIPART_PART_HEADERS":
		in = "body"
	case "RESPONSE_BODY":
		in = "response body"
	case "RESPONSE_HEADERS":
		in, name = "response header", key
	default:
		in = "request"
	}
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	return in, name
}

// argument tells an argument of the query from a field of the content.
func argument(state plugintypes.TransactionState, variable, key string) (in, name string) {
	vars := state.Variables()
	if variable == "ARGS_GET" || variable == "ARGS" && len(vars.ArgsPost().Get(key)) == 0 {
		return "query", key
	}
	if path, ok := strings.CutPrefix(key, "json"); ok && vars.RequestBodyProcessor().Get() == "JSON" {
		return "body", strings.ReplaceAll(path, ".", "/")
	}
	return "body", key
}

// numbers are the settings as text, made once.
var numbers = func() (texts [256]string) {
	for i := range texts {
		texts[i] = strconv.Itoa(i)
	}
	return texts
}()

func small(n int) string {
	if n >= 0 && n < len(numbers) {
		return numbers[n]
	}
	return strconv.Itoa(n)
}
