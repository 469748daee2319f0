// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Bounds of a document. An alias counts as often as it is used, so that a few
// lines cannot unfold into gigabytes.
const (
	maxDocument      = 32 << 20
	maxDocumentNodes = 4_000_000
	maxDocumentDepth = 200
)

// readTree reads a YAML or JSON document into what encoding/json makes of JSON,
// with json.Number for numbers. The node keeps the lines; it is nil for JSON.
func readTree(data []byte) (root any, lines *yaml.Node, err error) {
	if len(data) > maxDocument {
		return nil, nil, fmt.Errorf("is larger than %d MiB", maxDocument>>20)
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if first := bytes.TrimLeft(data, " \t\r\n"); len(first) > 0 && first[0] == '{' {
		if root, err = readJSON(string(data)); err == nil {
			return root, nil, nil
		}
		// Braces begin YAML's flow style too; where that fails as well, the
		// fault of the JSON is what to show.
		jsonErr := err
		if root, lines, err = readYAML(data); err != nil {
			err = jsonErr
		}
		return root, lines, err
	}
	return readYAML(data)
}

func readJSON(s string) (any, error) {
	lim := limits{depth: maxDocumentDepth, members: maxDocumentNodes, items: maxDocumentNodes, nodes: maxDocumentNodes}
	var d decoder
	var t tree
	if f := d.decode(s, &t, &lim); f != nil {
		line := 1 + strings.Count(s[:min(d.pos, len(s))], "\n")
		return nil, fmt.Errorf("line %d: %s: %w", line, f.pointer, f)
	}
	return t.value(0), nil
}

func readYAML(data []byte) (root any, lines *yaml.Node, err error) {
	defer func() {
		// The parser is another's and reads what an operator wrote; a panic
		// in it must not take the gateway along.
		if r := recover(); r != nil {
			root, lines, err = nil, nil, errors.New("cannot be read as YAML")
		}
	}()
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil, nil
	}
	doc := new(yaml.Node)
	if err := yaml.Load(data, doc); err != nil {
		return nil, nil, err
	}
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		doc = doc.Content[0]
	}
	c := yamlConverter{most: min(maxDocumentNodes, 10_000+20*len(data))}
	root, err = c.convert(doc, 0)
	return root, doc, err
}
