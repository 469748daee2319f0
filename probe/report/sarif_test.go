// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"durward/probe/finding"
)

func TestSARIFValidatesAgainstItsSchema(t *testing.T) {
	file, err := os.Open("testdata/sarif-2.1.0-rtm.5.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("file:///sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("file:///sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Run){
		"findings":           func(*Run) {},
		"nothing found":      func(r *Run) { r.Findings = nil },
		"an empty run":       func(r *Run) { *r = Run{} },
		"accepted findings":  func(r *Run) { r.Findings[0].Accepted = "known" },
		"a run that failed":  func(r *Run) { r.Failed = "nobody answers" },
		"one without places": func(r *Run) { r.Findings = []finding.Finding{{Kind: slow, Severity: slow.Severity}} },
	} {
		t.Run(name, func(t *testing.T) {
			r := example()
			change(r)
			var b bytes.Buffer
			if err := SARIF(&b, r, "shop.openapi.yaml"); err != nil {
				t.Fatal(err)
			}
			v, err := jsonschema.UnmarshalJSON(&b)
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(v); err != nil {
				t.Error(err)
			}
			results := v.(map[string]any)["runs"].([]any)[0].(map[string]any)["results"].([]any)
			if len(results) != len(r.Findings) {
				t.Errorf("%d results of %d findings", len(results), len(r.Findings))
			}
		})
	}
}

func TestSARIFNamesRuleWeaknessAndOperation(t *testing.T) {
	var b bytes.Buffer
	if err := SARIF(&b, example(), "shop.openapi.yaml"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"ruleId": "object-read-by-other"`, `"external/cwe/cwe-639"`, `"fullyQualifiedName": "GET /orders/{id}"`, `"kind": "parameter"`, `"uri": "shop.openapi.yaml"`, `"security-severity": "8.0"`} {
		if !bytes.Contains(b.Bytes(), []byte(want)) {
			t.Errorf("%s is missing", want)
		}
	}
}
