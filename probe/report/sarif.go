// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"durward/probe/finding"
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool        sarifTool         `json:"tool"`
	Invocations []sarifInvocation `json:"invocations"`
	Artifacts   []sarifArtifact   `json:"artifacts,omitempty"`
	Results     []sarifResult     `json:"results"` // an empty list says that nothing was found
	Properties  map[string]any    `json:"properties"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID            string         `json:"id"`
	Short         sarifText      `json:"shortDescription"`
	Full          *sarifText     `json:"fullDescription,omitempty"`
	Help          *sarifText     `json:"help,omitempty"`
	Configuration sarifLevel     `json:"defaultConfiguration"`
	Properties    map[string]any `json:"properties"`
}

type sarifLevel struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifInvocation struct {
	Successful    bool          `json:"executionSuccessful"`
	Start         string        `json:"startTimeUtc"`
	End           string        `json:"endTimeUtc"`
	Notifications []sarifNotice `json:"toolExecutionNotifications,omitempty"`
}

type sarifNotice struct {
	Level   string    `json:"level"`
	Message sarifText `json:"message"`
}

type sarifArtifact struct {
	Location sarifURI `json:"location"`
}

type sarifURI struct {
	URI string `json:"uri"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	Properties   map[string]any     `json:"properties"`
}

type sarifLocation struct {
	Physical sarifPhysical  `json:"physicalLocation"`
	Logical  []sarifLogical `json:"logicalLocations"`
}

type sarifPhysical struct {
	Artifact sarifURI `json:"artifactLocation"`
}

type sarifLogical struct {
	Name string `json:"name"`
	Full string `json:"fullyQualifiedName"`
	Kind string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification"`
}

// SARIF writes the findings as SARIF 2.1.0: a rule for each kind with its CWE as
// a tag, the operation as the logical location, and document, the name of the
// OpenAPI document, as the physical one, for tools that show nothing without.
// Accepted findings are suppressed results.
func SARIF(w io.Writer, r *Run, document string) error {
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "durward probe", Version: r.Version, Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{sarifInvocationOf(r)},
		Artifacts:   []sarifArtifact{{sarifURI{document}}},
		Results:     []sarifResult{},
		Properties:  map[string]any{"target": r.Target, "seed": r.Seed, "requests": r.Requests},
	}
	rules := map[string]int{}
	for _, f := range r.Findings {
		i, ok := rules[f.Kind.ID]
		if !ok {
			i = len(run.Tool.Driver.Rules)
			rules[f.Kind.ID] = i
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(f.Kind))
		}
		run.Results = append(run.Results, sarifResultOf(&f, i, document))
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

func sarifInvocationOf(r *Run) sarifInvocation {
	const layout = "2006-01-02T15:04:05.000Z"
	in := sarifInvocation{Successful: r.Failed == "" && r.Stopped == "", Start: r.Started.UTC().Format(layout), End: r.Started.Add(r.Took).UTC().Format(layout)}
	notice := func(level, text string) {
		in.Notifications = append(in.Notifications, sarifNotice{level, sarifText{text}})
	}
	if r.Failed != "" {
		notice("error", "could not test: "+r.Failed)
	}
	if r.Stopped != "" {
		notice("error", "stopped before its end: "+r.Stopped)
	}
	for _, o := range r.Operations {
		if !o.Reached {
			notice("warning", strings.TrimSuffix("never answered 2xx: "+o.Method+" "+o.Path+": "+o.Why, ": "))
		}
	}
	for _, c := range r.Checks {
		if c.Skipped != "" {
			notice("note", "not tested by "+c.Name+": "+c.Skipped)
		}
	}
	return in
}

func sarifRuleOf(k finding.Kind) sarifRule {
	tags := []string{"security"}
	if k.CWE != 0 {
		tags = append(tags, fmt.Sprintf("external/cwe/cwe-%03d", k.CWE))
	}
	if k.OWASP != "" {
		tags = append(tags, "OWASP "+k.OWASP)
	}
	rule := sarifRule{ID: k.ID, Short: sarifText{k.Title}, Configuration: sarifLevel{sarifLevelOf(k.Severity)},
		// GitHub sorts by this number, in the manner of CVSS.
		Properties: map[string]any{"tags": tags, "security-severity": sarifScore[k.Severity]}}
	if k.Oracle != "" {
		rule.Full = &sarifText{k.Oracle}
	}
	if help := strings.TrimSpace(k.Advice + "\n" + k.Fix); help != "" {
		rule.Help = &sarifText{help}
	}
	return rule
}

var sarifScore = map[finding.Severity]string{finding.Critical: "9.5", finding.High: "8.0", finding.Medium: "5.5", finding.Low: "3.0", finding.Info: "0.0"}

func sarifLevelOf(s finding.Severity) string {
	switch s {
	case finding.Medium:
		return "warning"
	case finding.Low, finding.Info:
		return "note"
	}
	return "error"
}

func sarifResultOf(f *finding.Finding, rule int, document string) sarifResult {
	sum := sha256.Sum256([]byte(f.Fingerprint()))
	text := f.Detail
	if s, ok := shows(f); ok {
		text += "\n" + s.Curl
	}
	name := strings.TrimSpace(f.Method + " " + f.Path)
	if name == "" {
		name = "API"
	}
	logical := []sarifLogical{{Name: name, Full: name, Kind: "function"}}
	if f.Where != "" {
		logical = append(logical, sarifLogical{Name: f.Where, Full: name + " " + f.Where, Kind: "parameter"})
	}
	res := sarifResult{RuleID: f.Kind.ID, RuleIndex: rule, Level: sarifLevelOf(f.Severity), Message: sarifText{text},
		Locations:    []sarifLocation{{sarifPhysical{sarifURI{document}}, logical}},
		Fingerprints: map[string]string{"durward/v1": hex.EncodeToString(sum[:16])},
		Properties:   map[string]any{"severity": f.Severity, "confidence": f.Confidence, "steps": slices.Clone(f.Steps)}}
	if f.Accepted != "" {
		res.Suppressions = []sarifSuppression{{"external", f.Accepted}}
	}
	return res
}
