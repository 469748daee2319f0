// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

// nodeDepth is how deep values may be nested in a file.
const nodeDepth = 512

var errDeep = fmt.Errorf("nested deeper than %d", nodeDepth)

// read reads JSON or YAML. What looks like JSON and is none is tried as YAML,
// which takes a comma too many, or a comment.
func read(data []byte) (*node, error) {
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	if len(data) == 0 {
		return nil, errors.New("is empty")
	}
	if data[0] == '{' || data[0] == '[' {
		n, jsonErr := readJSON(data)
		if jsonErr == nil || errors.Is(jsonErr, errDeep) {
			return n, jsonErr
		}
		n, err := readYAML(data)
		if err != nil {
			return nil, fmt.Errorf("is no JSON: %w", jsonErr)
		}
		return n, nil
	}
	n, err := readYAML(data)
	if err != nil {
		return nil, fmt.Errorf("is no YAML: %w", err)
	}
	return n, nil
}

func readJSON(data []byte) (*node, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(data),
		jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	return jsonNode(dec, 0)
}

func jsonNode(dec *jsontext.Decoder, depth int) (*node, error) {
	if depth > nodeDepth {
		return nil, errDeep
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch tok.Kind() {
	case 't', 'f':
		return &node{kind: boolNode, truth: tok.Bool()}, nil
	case '"':
		return &node{kind: stringNode, text: tok.String()}, nil
	case '0':
		return &node{kind: numberNode, text: tok.String()}, nil
	case '[':
		n := &node{kind: listNode}
		for dec.PeekKind() != ']' {
			item, err := jsonNode(dec, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, item)
		}
		_, err = dec.ReadToken()
		return n, err
	case '{':
		n := newMap()
		for dec.PeekKind() != '}' {
			key, err := dec.ReadToken()
			if err != nil {
				return nil, err
			}
			name := key.String() // the token is void after the next one
			member, err := jsonNode(dec, depth+1)
			if err != nil {
				return nil, err
			}
			n.set(name, member)
		}
		_, err = dec.ReadToken()
		return n, err
	}
	return &node{}, nil
}

func readYAML(data []byte) (*node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if len(doc.Content) == 0 {
		return nil, errors.New("is empty")
	}
	c := yamlConverter{done: map[*yaml.Node]*node{}}
	n := c.node(doc.Content[0], 0)
	if c.deep {
		return nil, errDeep
	}
	return n, nil
}

// yamlConverter turns YAML's nodes into ours. An anchor's node becomes one
// node, however many aliases it has, so that aliases cannot multiply.
type yamlConverter struct {
	done map[*yaml.Node]*node
	deep bool
}

func (c *yamlConverter) node(y *yaml.Node, depth int) *node {
	if depth > nodeDepth {
		c.deep = true
		return &node{}
	}
	if y.Kind == yaml.AliasNode && y.Alias != nil {
		y = y.Alias
	}
	if n := c.done[y]; n != nil {
		return n
	}
	n := &node{}
	c.done[y] = n
	switch y.Kind {
	case yaml.SequenceNode:
		n.kind = listNode
		for _, item := range y.Content {
			n.items = append(n.items, c.node(item, depth+1))
		}
	case yaml.MappingNode:
		n.kind, n.byKey = mapNode, map[string]*node{}
		for i := 0; i+1 < len(y.Content); i += 2 {
			c.member(n, y.Content[i], y.Content[i+1], depth)
		}
	case yaml.ScalarNode:
		scalar(n, y)
	}
	return n
}

func (c *yamlConverter) member(n *node, key, value *yaml.Node, depth int) {
	if key.Kind == yaml.AliasNode && key.Alias != nil {
		key = key.Alias
	}
	if key.Kind != yaml.ScalarNode {
		return // no document of this kind has such keys
	}
	v := c.node(value, depth+1)
	if key.ShortTag() != "!!merge" {
		n.set(key.Value, v)
		return
	}
	merged := []*node{v}
	if v.kind == listNode {
		merged = v.items
	}
	for _, m := range merged {
		for _, k := range m.keys {
			if _, own := n.byKey[k]; !own {
				n.set(k, m.byKey[k])
			}
		}
	}
}

// scalar reads a YAML scalar. Dates stay the strings that they look like.
func scalar(n *node, y *yaml.Node) {
	n.kind, n.text = stringNode, y.Value
	switch y.ShortTag() {
	case "!!null":
		n.kind = nullNode
	case "!!bool":
		n.kind, n.truth = boolNode, strings.EqualFold(y.Value, "true")
	case "!!int", "!!float":
		if text, ok := jsonNumber(y); ok {
			n.kind, n.text = numberNode, text
		}
	}
}

// jsonNumber writes a YAML number as JSON does: 0x1F, 1_000 and .5 are numbers
// in YAML only.
func jsonNumber(y *yaml.Node) (string, bool) {
	if json.Valid([]byte(y.Value)) {
		return y.Value, true
	}
	var i int64
	if y.Decode(&i) == nil && y.ShortTag() == "!!int" {
		return strconv.FormatInt(i, 10), true
	}
	var f float64
	if y.Decode(&f) == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, 64), true
	}
	return "", false
}
