// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package spec

// Schema is a resolved JSON Schema: references are pointers, so it may be
// cyclic. Types has "null" for nullable ones of OpenAPI 3.0 as well. Exclusive
// bounds of OpenAPI 3.0 are in the form of 3.1.
type Schema struct {
	// Name is the component's name that a reference led to, else empty.
	Name string
	// Pointer is where it stands in its file.
	Pointer string
	// False is the schema that takes nothing.
	False bool

	Types            []string // empty: any
	Format           string
	Enum             []any
	Const            any
	HasConst         bool
	Default          any
	Examples         []any
	Pattern          string
	MinLength        *int
	MaxLength        *int
	Minimum, Maximum *float64
	ExclusiveMinimum *float64
	ExclusiveMaximum *float64
	MultipleOf       *float64

	Properties map[string]*Schema
	Order      []string // of Properties, as the document has them
	Required   []string
	// Additional is nil where the document says nothing; False for false.
	Additional    *Schema
	MinProperties *int
	MaxProperties *int

	Items       *Schema
	Prefix      []*Schema
	MinItems    *int
	MaxItems    *int
	UniqueItems bool

	AllOf, AnyOf, OneOf []*Schema
	Not                 *Schema
	Discriminator       *Discriminator

	ReadOnly, WriteOnly, Deprecated bool
	Title, Description              string
	// Sensitive is the value of x-durward-sensitive, nil where absent.
	Sensitive any
}

// Discriminator names the member whose value picks a branch of OneOf or AnyOf.
type Discriminator struct {
	Property string
	Mapping  map[string]*Schema
}
