// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transform does to a value what a transformation of a SecLang rule
// does in Coraza v3.8.1, byte for byte, its bugs included: the gate of the
// firewall must see what Coraza's operators would see. It keeps no state, reads
// nothing but its arguments and may be used concurrently.
//
// Every function is total: a transformation that fails in Coraza (hexDecode of
// something else) leaves the value as it was, as there.
package transform
