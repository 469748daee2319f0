// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// lineOf finds the line of a value, or of the nearest above it that exists.
func lineOf(n *yaml.Node, pointer string) int {
	if n == nil {
		return 0
	}
	line := n.Line
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		for hops := 0; n.Kind == yaml.AliasNode && hops < maxReference; hops++ {
			n = n.Alias
		}
		var next *yaml.Node
		name := unescapePointer(token)
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == name {
					next, line = n.Content[i+1], n.Content[i].Line
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(n.Content) {
				next = n.Content[i]
				line = next.Line
			}
		}
		if next == nil {
			return line
		}
		n = next
	}
	return line
}
