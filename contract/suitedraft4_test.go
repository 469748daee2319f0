// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

import "testing"

// draft4Exceptions are the parts of draft 4's suite that OpenAPI 3.0, which
// comes from draft 4, does not have, and why.
var draft4Exceptions = map[string]string{
	"refRemote.json": "remote schemas are never fetched",
	"additionalItems.json: additionalItems as schema":                                       "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"additionalItems.json: array of items with no additionalItems permitted":                "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"additionalItems.json: additionalItems are allowed by default":                          "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"additionalItems.json: additionalItems does not look in applicators, invalid case":      "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"additionalItems.json: items validation adjusts the starting index for additionalItems": "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"additionalItems.json: additionalItems with heterogeneous array":                        "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"definitions.json: validate definition against metaschema":                              "remote schemas are never fetched",
	"items.json: an array of schemas for items":                                             "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"items.json: items and subitems":                                                        "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"items.json: array-form items with null instance elements":                              "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"uniqueItems.json: uniqueItems with an array of items":                                  "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"uniqueItems.json: uniqueItems with an array of items and additionalItems=false":        "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"uniqueItems.json: uniqueItems=false with an array of items":                            "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"uniqueItems.json: uniqueItems=false with an array of items and additionalItems=false":  "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"ref.json: relative pointer ref to array":                                               "items is a schema, never a list, in OpenAPI 3.0; such a document does not load",
	"ref.json: remote ref, containing refs itself":                                          "remote schemas are never fetched",
	"ref.json: $ref prevents a sibling id from changing the base uri":                       "id means nothing in OpenAPI 3.0, and references resolve against the file",
	"ref.json: Recursive references between schemas":                                        "id means nothing in OpenAPI 3.0, and references resolve against the file",
	"ref.json: Location-independent identifier":                                             "id means nothing in OpenAPI 3.0, and references resolve against the file",
	"ref.json: Location-independent identifier with base URI change in subschema":           "id means nothing in OpenAPI 3.0, and references resolve against the file",
	"ref.json: id must be resolved against nearest parent, not just immediate parent":       "id means nothing in OpenAPI 3.0, and references resolve against the file",
	"optional/id.json":                   "id means nothing in OpenAPI 3.0, and references resolve against the file",
	"optional/zeroTerminatedFloats.json": "1.0 is an integer, as in all later drafts",
	"optional/format/hostname.json: validation of host names: hostname with consecutive hyphens (RFC1123)": "hostnames follow the later drafts (RFC 5890)",
}

// OpenAPI 3.0's dialect is read as draft 4 where both have a keyword: switches
// for exclusive bounds, references without siblings.
func TestJSONSchemaSuiteOfDraft4(t *testing.T) {
	runSuite(t, "draft4", true, draft4Exceptions, 800)
}
