// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

type yamlConverter struct{ nodes, most int }

func (c *yamlConverter) fail(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("line %d: %s", n.Line, fmt.Sprintf(format, args...))
}

func (c *yamlConverter) convert(n *yaml.Node, depth int) (any, error) {
	if c.nodes++; c.nodes > c.most {
		return nil, c.fail(n, "the document has more than %d values once its aliases are unfolded", c.most)
	}
	if depth > maxDocumentDepth {
		return nil, c.fail(n, "nested more than %d deep", maxDocumentDepth)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.convert(n.Alias, depth+1)
	case yaml.MappingNode:
		return c.mapping(n, depth)
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := c.convert(item, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.ScalarNode:
		return c.scalar(n)
	}
	return nil, nil
}

func (c *yamlConverter) mapping(n *yaml.Node, depth int) (any, error) {
	out := make(map[string]any, len(n.Content)/2)
	merged := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, c.fail(key, "a member's name must be a plain value")
		}
		v, err := c.convert(value, depth+1)
		if err != nil {
			return nil, err
		}
		if key.ShortTag() == "!!merge" {
			if err := c.merge(merged, v); err != nil {
				return nil, c.fail(key, "%v", err)
			}
			continue
		}
		if _, ok := out[key.Value]; ok {
			return nil, c.fail(key, "%s is repeated", strconv.Quote(shown(key.Value)))
		}
		out[key.Value] = v
	}
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		if _, ok := out[name]; !ok {
			out[name] = merged[name]
		}
	}
	return out, nil
}

// merge takes the value of a << key: a mapping or a list of them, of which the
// first that has a name wins.
func (c *yamlConverter) merge(into map[string]any, v any) error {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if _, ok := into[name]; !ok {
				into[name] = value
			}
		}
		if c.nodes += len(v); c.nodes > c.most {
			return errors.New("too many merged values")
		}
		return nil
	case []any:
		for _, one := range v {
			if _, ok := one.(map[string]any); !ok {
				return errors.New("<< takes mappings only")
			}
			if err := c.merge(into, one); err != nil {
				return err
			}
		}
		return nil
	}
	return errors.New("<< takes mappings only")
}

func (c *yamlConverter) scalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), nil
	case "!!int", "!!float":
		return c.number(n)
	}
	return n.Value, nil
}

func (c *yamlConverter) number(n *yaml.Node) (any, error) {
	text := strings.TrimPrefix(n.Value, "+")
	if isNumber(text) {
		if !boundedNumber(text) {
			return nil, c.fail(n, "a number out of bounds")
		}
		return json.Number(text), nil
	}
	plain := strings.ReplaceAll(text, "_", "")
	if len(plain) <= maxNumberLength {
		if i, ok := new(big.Int).SetString(plain, 0); ok {
			return json.Number(i.String()), nil
		}
		if f, err := strconv.ParseFloat(plain, 64); err == nil {
			if literal := strconv.FormatFloat(f, 'g', -1, 64); isNumber(literal) {
				return json.Number(literal), nil
			}
		}
	}
	return nil, c.fail(n, "a number that JSON cannot hold")
}
