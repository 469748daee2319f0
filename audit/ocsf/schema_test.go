// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package ocsf

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// schema is the part of the published schema that events are held against.
type schema struct {
	Classes map[string]struct {
		UID        int
		Attributes map[string]attribute
	}
	Objects map[string]struct {
		Attributes  map[string]attribute
		Constraints struct {
			AtLeastOne []string `json:"at_least_one"`
		}
	}
}

type attribute struct {
	Requirement string
	Profile     string
	Type        string
	ObjectType  string                     `json:"object_type"`
	IsArray     bool                       `json:"is_array"`
	Enum        map[string]json.RawMessage `json:"enum"`
}

// published reads the schema that the firewall's logging module carries, if it
// is there: nothing of ours is built with it.
var published = sync.OnceValue(func() *schema {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/valllabh/ocsf-schema-golang").Output()
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "schema", "v1.2-schema.json"))
	if err != nil {
		return nil
	}
	s := new(schema)
	if json.Unmarshal(text, s) != nil {
		return nil
	}
	return s
})

// faults lists what in an event is not as the schema has it.
func (s *schema) faults(e map[string]any) []string {
	metadata, _ := e["metadata"].(map[string]any)
	var profiles []string
	for _, p := range slice(metadata["profiles"]) {
		profiles = append(profiles, fmt.Sprint(p))
	}
	uid, _ := e["class_uid"].(float64)
	for name, c := range map[string]int{"api_activity": 6003, "authentication": 3002, "application_lifecycle": 6002, "entity_management": 3004} {
		if c == int(uid) {
			return s.object(name, e, s.Classes[name].Attributes, nil, profiles)
		}
	}
	return []string{fmt.Sprintf("class %v is unknown", uid)}
}

func slice(v any) []any { s, _ := v.([]any); return s }

func (s *schema) object(path string, e map[string]any, attributes map[string]attribute, oneOf, profiles []string) []string {
	var out []string
	for name, a := range attributes {
		if _, there := e[name]; !there && a.Requirement == "required" && a.Profile == "" {
			out = append(out, path+"."+name+" is required")
		}
	}
	if len(oneOf) > 0 && !slices.ContainsFunc(oneOf, func(name string) bool { _, there := e[name]; return there }) {
		out = append(out, fmt.Sprintf("%s has none of %v", path, oneOf))
	}
	for name, v := range e {
		a, known := attributes[name]
		at := path + "." + name
		switch {
		case !known, a.Profile != "" && !slices.Contains(profiles, a.Profile):
			out = append(out, at+" is not an attribute")
		case a.IsArray:
			if _, ok := v.([]any); !ok {
				out = append(out, at+" is no list")
			}
			for _, item := range slice(v) {
				out = append(out, s.value(at, item, a, profiles)...)
			}
		default:
			out = append(out, s.value(at, v, a, profiles)...)
		}
	}
	return out
}

func (s *schema) value(at string, v any, a attribute, profiles []string) []string {
	bad := []string{fmt.Sprintf("%s: %v is no %s", at, v, a.Type)}
	number, isNumber := v.(float64)
	text, isText := v.(string)
	switch a.Type {
	case "object_t":
		o, ok := v.(map[string]any)
		if !ok {
			return bad
		}
		if a.ObjectType == "object" { // free: unmapped
			return nil
		}
		def := s.Objects[a.ObjectType]
		return s.object(at, o, def.Attributes, def.Constraints.AtLeastOne, profiles)
	case "integer_t", "long_t", "timestamp_t", "port_t":
		if !isNumber || number != float64(int64(number)) || a.Type == "port_t" && (number < 0 || number > 65535) {
			return bad
		}
		if _, ok := a.Enum[fmt.Sprint(int64(number))]; len(a.Enum) > 0 && !ok {
			return []string{fmt.Sprintf("%s: %v is not one of its values", at, v)}
		}
	case "boolean_t":
		if _, ok := v.(bool); !ok {
			return bad
		}
	case "json_t":
	case "ip_t":
		if _, err := netip.ParseAddr(text); err != nil {
			return bad
		}
	default: // texts of all kinds
		if !isText {
			return bad
		}
	}
	return nil
}
