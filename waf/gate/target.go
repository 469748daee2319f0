// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"regexp"
	"strings"

	"durward/waf/seclang"
)

// source is where the members of a collection come from.
type source uint8

const (
	srcNone source = iota
	srcMethod
	srcProtocol
	srcLine
	srcURI
	srcURIRaw
	srcQuery
	srcFilename
	srcBasename
	srcRemoteAddr
	srcRemotePort
	srcServerAddr
	srcServerPort
	srcServerName
	srcURIParseError
	srcProcessor
	srcBody
	srcBodyLength
	srcArgsSize
	firstKeyed // from here on members have keys
	srcHeaders
	srcCookies
	srcArgsGet
	srcArgsPost
	sourceCount
)

// one gives the value of a collection that has just one.
func (f *facts) one(s source) string {
	switch s {
	case srcMethod:
		return f.method
	case srcProtocol:
		return f.protocol
	case srcLine:
		return f.line
	case srcURI:
		return f.uri
	case srcURIRaw:
		return f.uriRaw
	case srcQuery:
		return f.query
	case srcFilename:
		return f.filename
	case srcBasename:
		return f.basename
	case srcRemoteAddr:
		return f.remoteAddr
	case srcRemotePort:
		return f.remotePort
	case srcServerAddr:
		return f.serverAddr
	case srcServerPort:
		return f.serverPort
	case srcServerName:
		return f.serverName
	case srcURIParseError:
		if f.uriParseError {
			return "1"
		}
		return "0"
	case srcProcessor:
		return f.processor
	case srcBody:
		return f.body
	case srcBodyLength:
		return f.decimal(f.bodyLength)
	case srcArgsSize:
		n := 0
		for _, items := range [...][]item{f.argsGet, f.argsPost} {
			for i := range items {
				n += len(items[i].key) + len(items[i].val)
			}
		}
		return f.decimal(n)
	}
	return ""
}

// items gives the members of a keyed collection.
func (f *facts) items(s source) []item {
	switch s {
	case srcHeaders:
		return f.headers
	case srcCookies:
		return f.cookies
	case srcArgsGet:
		return f.argsGet
	case srcArgsPost:
		return f.argsPost
	}
	return nil
}

// kind is how the values of a target are come by.
type kind uint8

const (
	kindUnknown  kind = iota
	kindAbsent        // never a member on the fast path
	kindConstant      // one value, always the same
	kindOne           // one value of the request
	kindValues        // the values of keyed members
	kindNames         // their keys
	kindTX
	kindMatchedVar
	kindMatchedVarName
	kindMatchedVars
	kindMatchedVarsNames
)

// target is one variable of a rule, as it is in the rule's phase.
type target struct {
	collection string // as the rule names it
	kind       kind
	sources    []source
	constant   string
	count      bool
	selector   selector
	except     []selector
	tx         txRead // of kindTX
}

// selector chooses members by their keys.
type selector struct {
	whole bool
	low   string // key in lower case
	never bool   // Coraza compares a key with capitals to keys without
	re    *regexp.Regexp
}

func newSelector(s seclang.Selector, names, exception bool) (selector, error) {
	switch {
	case s.Regexp:
		re, err := regexp.Compile(s.Key)
		return selector{re: re}, err
	case s.Whole():
		return selector{whole: true}, nil
	}
	low := strings.ToLower(s.Key)
	return selector{low: low, never: names && !exception && low != s.Key}, nil
}

// has tells whether the selector chooses the member with this key.
func (s *selector) has(key string) bool {
	switch {
	case s.whole:
		return true
	case s.re != nil:
		return s.re.MatchString(strings.ToLower(key))
	}
	return !s.never && sameKey(key, s.low)
}

// chooses tells whether a member with this key is one of the target's.
func (t *target) chooses(key string) bool {
	if !t.selector.has(key) {
		return false
	}
	for i := range t.except {
		if t.except[i].has(key) {
			return false
		}
	}
	return true
}
