// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strconv"
	"strings"
)

// pointerTo writes the JSON pointer (RFC 6901) of the last node of path, whose
// first is the root. Names come from the client, so what is shown is bounded.
func (t *tree) pointerTo(path []int32) string {
	var b strings.Builder
	for k, i := range path {
		if k == 0 {
			continue
		}
		if b.Len() > maxShownPointer {
			b.WriteString("/...")
			break
		}
		b.WriteByte('/')
		if t.nodes[path[k-1]].kind == kArray {
			b.WriteString(strconv.Itoa(int(t.nodes[i].index)))
		} else {
			b.WriteString(escapePointer(shown(t.nodes[i].key)))
		}
	}
	return b.String()
}

const (
	maxShownName    = 64
	maxShownPointer = 256
)

// shown bounds a name that the client chose, and copies it.
func shown(name string) string {
	if len(name) > maxShownName {
		return strings.ToValidUTF8(name[:maxShownName], "") + "..."
	}
	return strings.Clone(name)
}

func escapePointer(token string) string {
	if !strings.ContainsAny(token, "~/") {
		return token
	}
	return strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
}

func unescapePointer(token string) string {
	return strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
}
