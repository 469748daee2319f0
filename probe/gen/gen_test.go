// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gen

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"durward/internal/realdocs"
	"durward/probe/spec"
)

func source(seed int) *rand.Rand { return rand.New(rand.NewPCG(uint64(seed), 9)) }

// schema reads one schema of OpenAPI 3.1.
func schema(t testing.TB, text string) *spec.Schema {
	t.Helper()
	api, err := spec.Parse("s", []byte(`{"openapi":"3.1.0","paths":{"/a":{"post":{"requestBody":{"content":{"application/json":{"schema":`+text+`}}}}}},"components":{"schemas":{
		"Tree":{"type":"object","required":["v"],"properties":{"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/components/schemas/Tree"}}}},
		"Endless":{"type":"object","required":["next"],"properties":{"next":{"$ref":"#/components/schemas/Endless"}}},
		"Cat":{"type":"object","required":["kind","lives"],"properties":{"kind":{"type":"string"},"lives":{"type":"integer"}}},
		"Dog":{"type":"object","required":["kind"],"properties":{"kind":{"type":"string"},"tricks":{"type":"array","items":{"type":"string"}}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(api.Warnings) > 0 {
		t.Fatal(api.Warnings)
	}
	return api.Operations[0].Body.Content[0].Schema
}

// others holds a value against the schema's text by another implementation.
func others(t testing.TB, text string) func(v any) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("s.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("s.json")
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return func(v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		w, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
		if err != nil {
			return err
		}
		return s.Validate(w)
	}
}

// randomSchema writes a schema that can be satisfied.
func randomSchema(r *rand.Rand, depth int) map[string]any {
	kinds := []string{"string", "integer", "number", "boolean", "enum", "pattern", "format", "null", "object", "array", "allOf", "anyOf", "oneOf"}
	n := len(kinds)
	if depth == 0 {
		n = 8
	}
	between := func(low, high string, most int) map[string]any {
		a := r.IntN(most)
		out := map[string]any{}
		if r.IntN(2) == 0 {
			out[low] = a
		}
		if r.IntN(2) == 0 {
			out[high] = a + r.IntN(most)
		}
		return out
	}
	switch kind := kinds[r.IntN(n)]; kind {
	case "string":
		s := between("minLength", "maxLength", 40)
		s["type"] = "string"
		return s
	case "integer", "number":
		s := map[string]any{"type": kind}
		a := float64(r.IntN(400)-200) / 4
		if r.IntN(2) == 0 {
			s[[]string{"minimum", "exclusiveMinimum"}[r.IntN(2)]] = a
		}
		if r.IntN(2) == 0 {
			s[[]string{"maximum", "exclusiveMaximum"}[r.IntN(2)]] = a + 12 + float64(r.IntN(50))/4
		}
		if r.IntN(3) == 0 {
			s["multipleOf"] = []any{0.01, 0.5, 2, 5}[r.IntN(4)]
		}
		return s
	case "boolean", "null":
		return map[string]any{"type": kind}
	case "enum":
		return map[string]any{"enum": []any{"a", 1, nil, true, []any{1}}}
	case "pattern":
		return map[string]any{"type": "string", "pattern": []string{
			`^[A-Z]{2}-\d{3,5}$`, `^(foo|bar)+$`, `\w+@\w+`, `^[^a-z\s]{3,}$`, `^\+?[0-9 ]{7,14}$`, `x`}[r.IntN(6)]}
	case "format":
		return map[string]any{"type": "string", "format": []string{"email", "uuid", "date", "date-time", "uri", "ipv4", "ipv6", "hostname", "time", "duration", "uri-reference"}[r.IntN(11)]}
	case "object":
		props, required := map[string]any{}, []any{}
		for i := range r.IntN(4) {
			name := []string{"id", "name", "email", "x/y~z"}[i]
			props[name] = randomSchema(r, depth-1)
			if r.IntN(2) == 0 {
				required = append(required, name)
			}
		}
		s := map[string]any{"type": "object", "properties": props, "required": required}
		if r.IntN(2) == 0 {
			s["additionalProperties"] = r.IntN(2) == 0
		}
		return s
	case "array":
		s := between("minItems", "maxItems", 3)
		s["type"], s["items"] = "array", randomSchema(r, depth-1)
		return s
	case "allOf":
		return map[string]any{"allOf": []any{
			map[string]any{"type": "object", "properties": map[string]any{"a": randomSchema(r, depth-1)}},
			map[string]any{"type": "object", "required": []any{"b"}, "properties": map[string]any{"b": randomSchema(r, depth-1)}}}}
	case "anyOf":
		return map[string]any{"anyOf": []any{randomSchema(r, depth-1), randomSchema(r, depth-1)}}
	}
	return map[string]any{"oneOf": []any{map[string]any{"type": "string", "minLength": 3}, map[string]any{"type": "integer", "minimum": 4}, map[string]any{"type": "null"}}}
}

func TestAnotherImplementationTakesWhatIsMade(t *testing.T) {
	for seed := range 400 {
		text, _ := json.Marshal(randomSchema(source(seed), 3))
		s, valid := schema(t, string(text)), others(t, string(text))
		for i, h := range []Hints{{}, {Size: Minimal}, {Size: Full}, {Unique: "k7"}} {
			v := Valid(source(seed*10+i), s, h)
			if err := valid(v); err != nil {
				t.Fatalf("seed %d: %s\n%v\n%v", seed, text, v, err)
			}
			if f := Faults(s, v); len(f) > 0 {
				t.Fatalf("seed %d: %s\n%v has faults %v", seed, text, v, f)
			}
		}
	}
}

func TestFaultsAgreeWithAnotherImplementation(t *testing.T) {
	for seed := range 300 {
		r := source(seed)
		text, _ := json.Marshal(randomSchema(r, 2))
		s, valid := schema(t, string(text)), others(t, string(text))
		// A value of another schema fits by chance or does not.
		foreign, _ := json.Marshal(randomSchema(r, 2))
		v := Valid(r, schema(t, string(foreign)), Hints{})
		if got, want := len(Faults(s, v)) == 0, valid(v) == nil; got != want && !strings.Contains(string(text), "format") {
			t.Errorf("seed %d: %s takes %v: %v, others say %v", seed, text, v, got, want)
		}
	}
}

func TestSchemasThatAskForMuchAreSatisfied(t *testing.T) {
	for name, text := range map[string]string{
		"a password by lookaheads":   `{"type":"string","pattern":"^(?=.*[a-z])(?=.*[A-Z])(?=.*\\d)(?=.*[!@#$]).{8,20}$"}`,
		"a negative lookahead":       `{"type":"string","pattern":"^(?!admin)[a-z]{5,9}$"}`,
		"a pattern with a long text": `{"type":"string","pattern":"^[a-z]+$","minLength":300,"maxLength":310}`,
		"a pattern and a short text": `{"type":"string","pattern":"^[a-z]*$","maxLength":2}`,
		"an email of one domain":     `{"type":"string","format":"email","pattern":"@corp\\.test$"}`,
		"a long email":               `{"type":"string","format":"email","minLength":60}`,
		"a short email":              `{"type":"string","format":"email","maxLength":12}`,
		"a tree":                     `{"$ref":"#/components/schemas/Tree"}`,
		"bounds that are near":       `{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.005}`,
		"a number of few":            `{"type":"integer","minimum":995,"maximum":1004,"multipleOf":10}`,
		"items that differ":          `{"type":"array","minItems":5,"uniqueItems":true,"items":{"type":"integer","minimum":1,"maximum":6}}`,
		"a free object":              `{"type":"object","minProperties":3,"additionalProperties":{"type":"integer"}}`,
		"members at least":           `{"type":"object","minProperties":2,"additionalProperties":false,"properties":{"a":{"type":"string"},"b":{"type":"string"}}}`,
		"a tuple":                    `{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":{"type":"boolean"},"minItems":2}`,
		"a discriminator":            `{"oneOf":[{"$ref":"#/components/schemas/Cat"},{"allOf":[{"$ref":"#/components/schemas/Dog"},{"not":{"required":["lives"]}}]}],"discriminator":{"propertyName":"kind","mapping":{"cat":"Cat"}}}`,
		"anyOf beside properties":    `{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}},"anyOf":[{"required":["b"],"properties":{"b":{"type":"string"}}},{"required":["c"],"properties":{"c":{"type":"string"}}}]}`,
		"anyOf of required alone":    `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}`,
		"a member of two parts":      `{"allOf":[{"type":"object","properties":{"n":{"type":"number","minimum":5}}},{"type":"object","required":["n"],"properties":{"n":{"type":"integer","maximum":6}}}]}`,
		"two anyOf":                  `{"allOf":[{"anyOf":[{"required":["a"]},{"required":["b"]}]},{"anyOf":[{"required":["c"]},{"required":["d"]}]}],"type":"object","properties":{"a":{},"b":{},"c":{},"d":{}}}`,
		"a character beyond ASCII":   `{"type":"string","pattern":"^[\\u0416-\\u044f]{4}$"}`,
		"a pattern in slashes":       `{"type":"string","pattern":"^\\/api\\/v[0-9]$"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := schema(t, text)
			for seed := range 20 {
				for _, h := range []Hints{{}, {Size: Minimal}, {Size: Full}} {
					if v := Valid(source(seed), s, h); len(Faults(s, v)) > 0 {
						t.Fatalf("%#v: %v", v, Faults(s, v))
					}
				}
			}
		})
	}
}

func TestSchemasThatCannotBeSatisfiedEnd(t *testing.T) {
	for _, text := range []string{
		`{"$ref":"#/components/schemas/Endless"}`, `false`, `{"type":"string","minLength":5,"maxLength":2}`,
		`{"type":"array","minItems":99999999,"items":{"type":"array","minItems":99999999}}`, `{"type":"string","minLength":99999999}`,
		`{"type":"string","pattern":"(a"}`, `{"type":"integer","minimum":5,"maximum":1}`, `{"type":"string","pattern":"^(((a{1,900}){1,900})){1,900}$"}`,
		`{"not":{}}`, `{"enum":[]}`, `{"type":"object","minProperties":99999999}`,
	} {
		s := schema(t, text)
		Valid(source(1), s, Hints{Size: Full})
	}
}

func TestValuesLookRealByTheirNames(t *testing.T) {
	for _, c := range []struct{ name, text, pattern string }{
		{"email", `{"type":"string"}`, `^sam\.k7@example\.com$`},
		{"userEmail", `{"type":"string"}`, `@example\.com$`},
		{"user_name", `{"type":"string"}`, `^samk7$`},
		{"password", `{"type":"string"}`, `^[A-Z][a-z]\d{3}[!#@$][a-z]{6}$`},
		{"new_password", `{"type":"string","minLength":20}`, `^[A-Z].{19}$`},
		{"phoneNumber", `{"type":"string"}`, `^\+1202555`},
		{"birthDate", `{"type":"string","format":"date"}`, `^1985-`},
		{"start", `{"type":"string","format":"date-time"}`, `^2031-\d\d-\d\dT10:\d\d:00Z$`},
		{"vin", `{"type":"string"}`, `^[A-HJ-NPR-Z0-9]{17}$`},
		{"vin", `{"type":"string","pattern":"^[0-9A-Z]{17}$"}`, `^[A-HJ-NPR-Z0-9]{17}$`},
		{"pincode", `{"type":"string"}`, `^\d{4}$`},
		{"price", `{"type":"number"}`, `^\d+(\.\d+)?$`},
		{"quantity", `{"type":"integer"}`, `^[123]$`},
		{"imageUrl", `{"type":"string"}`, `^https://example\.com/`},
		{"title", `{"type":"string"}`, `k7$`},
		{"title", `{"type":"string","maxLength":2}`, `^k7$`},
		{"title", `{"type":"string","example":"Same"}`, `k7$`},
		{"colour", `{"type":"string","example":"teal"}`, `^teal$`},
		{"page", `{}`, `^1$`},
		{"tags", `{"type":"array","minItems":1,"items":{"type":"string"}}`, `^\[`},
	} {
		t.Run(c.name+c.text, func(t *testing.T) {
			for seed := range 5 {
				v := Valid(source(seed), schema(t, c.text), Hints{Name: c.name, Unique: "k7", Examples: true})
				if s := fmt.Sprint(v); !compile(c.pattern).match(s) {
					t.Errorf("%q is not like %s", s, c.pattern)
				}
			}
		})
	}
}

func TestMembersBySizeAndDirection(t *testing.T) {
	s := schema(t, `{"type":"object","required":["id","name"],"properties":{"id":{"type":"integer","readOnly":true},"name":{"type":"string"},"secret":{"type":"string","writeOnly":true},"note":{"type":"string"}}}`)
	for name, c := range map[string]struct {
		h    Hints
		want []string
	}{
		"minimal":        {Hints{Size: Minimal}, []string{"name"}},
		"full":           {Hints{Size: Full}, []string{"name", "note", "secret"}},
		"a full answer":  {Hints{Size: Full, Answer: true}, []string{"id", "name", "note"}},
		"a small answer": {Hints{Size: Minimal, Answer: true}, []string{"id", "name"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := sortedKeys(Valid(source(1), s, c.h).(map[string]any))
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWhatIsKnownIsTaken(t *testing.T) {
	s := schema(t, `{"type":"object","required":["o"],"properties":{"o":{"type":"object","required":["bookId"],"properties":{"bookId":{"type":"integer"}}}}}`)
	v := Valid(source(1), s, Hints{Known: func(pointer, name string, _ *spec.Schema) (any, bool) {
		return json.Number("77"), name == "bookId" && pointer == "/o/bookId"
	}})
	if d := cmp.Diff(map[string]any{"o": map[string]any{"bookId": json.Number("77")}}, v); d != "" {
		t.Error(d)
	}
}

func TestTheSameSourceGivesTheSameValues(t *testing.T) {
	for seed := range 50 {
		text, _ := json.Marshal(randomSchema(source(seed), 3))
		a := Valid(source(seed), schema(t, string(text)), Hints{})
		b := Valid(source(seed), schema(t, string(text)), Hints{})
		if d := cmp.Diff(a, b); d != "" {
			t.Fatal(d)
		}
	}
}

func TestFaultsNameThePlaceAndTheKeyword(t *testing.T) {
	s := schema(t, `{"type":"object","required":["a","w"],"additionalProperties":false,"properties":{
		"a":{"type":"array","items":{"type":"integer","maximum":5}},"w":{"type":"string","writeOnly":true},"e":{"enum":[1,"x"]},
		"u":{"anyOf":[{"type":"object","required":["k"],"properties":{"k":{"type":"string"}}},{"type":"null"}]},"d":{"type":"string","format":"date"}}}`)
	v := map[string]any{"a": []any{1.0, json.Number("6"), "7"}, "e": json.Number("1.0"), "u": map[string]any{"k": 1.0}, "d": "tomorrow", "z": nil}
	want := []Fault{{"/a/1", "maximum", ""}, {"/a/2", "type", ""}, {"/d", "format", ""}, {"/u/k", "type", ""}, {"", "additionalProperties", "z"}}
	if d := cmp.Diff(want, Faults(s, v)); d != "" {
		t.Error(d)
	}
	want = append([]Fault{{"", "required", "w"}}, want...)
	if d := cmp.Diff(want, RequestFaults(s, v)); d != "" {
		t.Error(d)
	}
}

func TestVehicleNumbersHaveTheirCheckDigit(t *testing.T) {
	// Letters count as the digits of 49 CFR 565.15, I, O and Q are left out.
	value := map[rune]int{}
	for i, row := range []string{"AJ", "BKS", "CLT", "DMU", "ENV", "FW", "GPX", "HY", "RZ"} {
		for _, c := range row {
			value[c] = i + 1
		}
	}
	for c := '0'; c <= '9'; c++ {
		value[c] = int(c - '0')
	}
	g := &generator{r: source(3)}
	for range 50 {
		vin, sum := g.vin(), 0
		for i, c := range vin {
			sum += value[c] * []int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}[i]
		}
		if "0123456789X"[sum%11] != vin[8] {
			t.Errorf("%s has the wrong check digit", vin)
		}
	}
}

func TestBodiesOfRealDocumentsAreMade(t *testing.T) {
	folder, files := realdocs.Files(t)
	made, faulty := 0, 0
	for i, name := range files {
		if i%4 != 0 {
			continue
		}
		api, err := spec.Load(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range api.Operations[:min(len(api.Operations), 40)] {
			if op.Body == nil {
				continue
			}
			s := op.Body.Content[0].Schema
			v := Valid(source(made), s, Hints{})
			if made++; len(RequestFaults(s, v)) > 0 {
				faulty++
				t.Log(name, op.ID, RequestFaults(s, v)[0])
			}
		}
	}
	t.Logf("%d bodies made, %d break their schema", made, faulty)
	if faulty*50 > made {
		t.Errorf("%d of %d bodies break their schema", faulty, made)
	}
}

func FuzzValid(f *testing.F) {
	f.Add(`{"type":"string","pattern":"^a{2,}$","minLength":5}`, uint64(1))
	f.Add(`{"allOf":[{"oneOf":[{"type":"integer"},{"type":"object","additionalProperties":{"minimum":1}}]}]}`, uint64(2))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		api, err := spec.Parse("s", []byte(`{"openapi":"3.1.0","paths":{"/a":{"post":{"requestBody":{"content":{"application/json":{"schema":`+text+`}}}}}}}`))
		if err != nil || len(api.Operations) == 0 || api.Operations[0].Body == nil {
			return
		}
		r := rand.New(rand.NewPCG(seed, 0))
		for _, m := range api.Operations[0].Body.Content {
			if v := Valid(r, m.Schema, Hints{}); v != nil {
				Faults(m.Schema, v)
			}
		}
	})
}
