// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package contract

// Reasons are the words that a client gets. They name what is wrong, and never
// the value, a limit, a pattern or an allowed value.
const (
	reasonRequired   = "is required"
	reasonUnknown    = "is not allowed here"
	reasonEnum       = "is not one of the allowed values"
	reasonSmall      = "is too small"
	reasonLarge      = "is too large"
	reasonMultiple   = "is not a multiple of the allowed step"
	reasonShort      = "is too short"
	reasonLong       = "is too long"
	reasonPattern    = "does not match the pattern"
	reasonFormat     = "is not in the required format"
	reasonFewItems   = "has too few items"
	reasonFewMembers = "has too few members"
	reasonUnique     = "has an item twice"
	reasonContains   = "does not contain the required items"
	reasonAny        = "is of none of the allowed forms"
	reasonOne        = "is not of exactly one of the allowed forms"
	reasonNot        = "is of a form that is not allowed"
	reasonName       = "has a name that is not allowed"
	reasonComplex    = "is too complex"
	reasonType       = "has the wrong type"
)

// typeReason gives the words for a value that is of none of the types.
func typeReason(types kind) string {
	switch types &^ kNull {
	case kBool:
		return "must be true or false"
	case kNumber, kNumber | kInteger:
		return "must be a number"
	case kInteger:
		return "must be an integer"
	case kString:
		return "must be a string"
	case kArray:
		return "must be an array"
	case kObject:
		return "must be an object"
	}
	if types == kNull {
		return "must be null"
	}
	return reasonType
}
