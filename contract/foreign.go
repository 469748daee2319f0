// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"errors"
	"strings"

	"durward"

	"github.com/santhosh-tekuri/jsonschema/v6"
	sk "github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// translate turns the library's error into violations in this package's
// words. The library's own text quotes values and patterns.
func (c *checker) translate(err error, prefix string) {
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		c.note(prefix, reasonAny)
		return
	}
	c.walk(ve, prefix)
}

func (c *checker) note(pointer, reason string) {
	if len(*c.out) >= maxViolations {
		return
	}
	v := durward.Violation{In: c.in, Name: c.name + pointer, Reason: reason}
	for _, had := range *c.out {
		if had == v {
			return
		}
	}
	*c.out = append(*c.out, v)
}

func (c *checker) walk(ve *jsonschema.ValidationError, prefix string) {
	if len(*c.out) >= maxViolations {
		return
	}
	pointer := pointerOf(prefix, ve.InstanceLocation)
	switch k := ve.ErrorKind.(type) {
	case *sk.Schema, *sk.Group, *sk.AllOf, *sk.Reference:
		for _, cause := range ve.Causes {
			c.walk(cause, prefix)
		}
	case *sk.Required:
		for _, name := range k.Missing {
			c.note(pointerOf(pointer, []string{name}), reasonRequired)
		}
	case *sk.DependentRequired:
		for _, name := range k.Missing {
			c.note(pointerOf(pointer, []string{name}), reasonRequired)
		}
	case *sk.AdditionalProperties:
		for _, name := range k.Properties {
			c.note(pointerOf(pointer, []string{name}), reasonUnknown)
		}
	case *sk.PropertyNames:
		c.note(pointerOf(pointer, []string{k.Property}), reasonName)
	case *sk.Type:
		var types kind
		for _, name := range k.Want {
			types |= typeNames[name]
		}
		c.note(pointer, typeReason(types))
	default:
		c.note(pointer, reasonOf(k))
	}
}

func reasonOf(k jsonschema.ErrorKind) string {
	switch k.(type) {
	case *sk.FalseSchema, *sk.AdditionalItems:
		return reasonUnknown
	case *sk.Const, *sk.Enum:
		return reasonEnum
	case *sk.Minimum, *sk.ExclusiveMinimum:
		return reasonSmall
	case *sk.Maximum, *sk.ExclusiveMaximum:
		return reasonLarge
	case *sk.MultipleOf:
		return reasonMultiple
	case *sk.MinLength:
		return reasonShort
	case *sk.MaxLength:
		return reasonLong
	case *sk.Pattern:
		return reasonPattern
	case *sk.Format:
		return reasonFormat
	case *sk.MinItems:
		return reasonFewItems
	case *sk.MaxItems:
		return reasonItems
	case *sk.MinProperties:
		return reasonFewMembers
	case *sk.MaxProperties:
		return reasonMembers
	case *sk.UniqueItems:
		return reasonUnique
	case *sk.Contains, *sk.MinContains, *sk.MaxContains:
		return reasonContains
	case *sk.OneOf:
		return reasonOne
	case *sk.Not:
		return reasonNot
	}
	return reasonAny
}

func pointerOf(prefix string, tokens []string) string {
	var b strings.Builder
	b.WriteString(prefix)
	for _, token := range tokens {
		if b.Len() > maxShownPointer {
			b.WriteString("/...")
			break
		}
		b.WriteString("/" + escapePointer(shown(token)))
	}
	return b.String()
}
