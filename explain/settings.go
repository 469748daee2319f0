// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"path/filepath"
	"strings"

	"durward"
	"durward/authz"
	"durward/config"
	"durward/internal/strictyaml"
)

// settings lists the values that a stage is made from, merged from what the
// document says for all APIs, for the API and for the operation. Of the rules it
// leaves out those for other operations.
func (e *Explainer) settings(fields []string, op *durward.Operation) []Setting {
	var all []config.EffectiveValue
	if op.Refusal == "" && !op.Preflight {
		all = e.cfg.Effective(op.API, op.ID)
	}
	var out []Setting
	seen := map[string]bool{}
	for _, field := range fields {
		prefix, known := effectivePath(field, op)
		if all == nil || !known {
			out = append(out, e.written(field)...)
			continue
		}
		for _, v := range all {
			rest, ok := strings.CutPrefix(v.Path, prefix)
			if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' || seen[v.Path] || says(&v, op) == "" {
				continue
			}
			seen[v.Path] = true
			v.Value = says(&v, op)
			one := Setting{Field: v.Path, Value: v.Value, Place: string(v.Origin)}
			if v.Line > 0 {
				one.Place = filepath.Base(v.File) + ":" + itoa(v.Line)
			}
			if v.Overrides {
				one.Value += " (overrides)"
			}
			out = append(out, one)
		}
		for _, v := range e.cfg.Values(field) {
			if v.Value == "{}" { // set to nothing but its defaults: api_key: {}
				out = append(out, Setting{Field: prefix + strings.TrimPrefix(v.Field, field), Value: v.Value, Place: filepath.Base(v.File) + ":" + itoa(v.Line)})
			}
		}
	}
	return out
}

// says is what a value tells of an operation; "" for one that tells nothing: a
// default of little interest, a switch that is off, a rule for others.
func says(v *config.EffectiveValue, op *durward.Operation) string {
	switch {
	case v.Value == "[]", v.Value == "0", v.Value == "false":
		return ""
	case v.Origin == config.OriginDefault && strings.HasPrefix(v.Path, "gateway.lockout.") && v.Path != "gateway.lockout.mode":
		return ""
	case !isRule(v.Path):
		return v.Value
	}
	var mine []string
	for name := range strings.SplitSeq(strings.Trim(v.Value, "[]"), ", ") {
		if name == op.ID || name == authz.Every {
			mine = append(mine, name)
		}
	}
	return strings.Join(mine, ", ")
}

// isRule tells whether a field lists operations that somebody may call.
func isRule(path string) bool {
	return strings.Contains(path, "authorize.roles") || strings.Contains(path, "authorize.scopes") || strings.Contains(path, "authorize.authenticated")
}

// effectivePath is a field of the document as config.Effective calls it.
func effectivePath(field string, op *durward.Operation) (string, bool) {
	api := strictyaml.Key("apis", op.API) + "."
	own := strictyaml.Key(api+"operations", op.ID) + "."
	if rest, ok := strings.CutPrefix(field, own); ok {
		return "operation." + rest, true
	}
	if rest, ok := strings.CutPrefix(field, api); ok {
		return rest, true
	}
	switch field {
	case "rate_limit", "lockout", "audit":
		return "gateway." + field, true
	}
	return "", false
}

// written lists the values of a field that is not an API's, as they stand in
// the document.
func (e *Explainer) written(field string) []Setting {
	var out []Setting
	for _, v := range e.cfg.Values(field) {
		place := "default"
		if v.Line > 0 {
			place = filepath.Base(v.File) + ":" + itoa(v.Line)
		}
		out = append(out, Setting{Field: v.Field, Value: v.Value, Place: place})
	}
	return out
}
