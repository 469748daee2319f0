// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package platform

import "durward/probe/finding"

var (
	methodBypass = finding.Kind{
		ID: "method-bypass", Title: "Another method gets around what the declared one is asked for", CWE: 650, OWASP: "API5:2023", Severity: finding.High,
		Oracle: "Without a credential the declared method is refused, and another one is answered as the declared one is with a credential, twice. Or a user who may not delete an object makes it go by another method, twice, as its owner sees.",
		Fix:    "validation: {mode: enforce}  # methods that the contract does not declare get 405",
		Advice: "Ask who calls before the method is looked at, and route by method and path with 405 for the rest.",
	}
	overrideBypass = finding.Kind{
		ID: "method-override-bypass", Title: "A field that overrides the method gets around the credential", CWE: 650, OWASP: "API5:2023", Severity: finding.High,
		Oracle: "Without a credential the operation is refused, the carrying method alone is answered differently, and with the overriding field it is answered as the operation is with a credential, twice.",
		Fix:    "validation: {mode: enforce, unknown_query: refuse}\nwaf: {mode: enforce}",
		Advice: "Switch method overriding off, or run it before anything decides on who may call.",
	}
	traceEnabled = finding.Kind{
		ID: "trace-enabled", Title: "TRACE gives requests back", CWE: 489, OWASP: "API8:2023", Severity: finding.Low,
		Oracle: "A field with a mark made for this one TRACE request stands in the content of its answer.",
		Fix:    "validation: {mode: enforce}  # methods that the contract does not declare get 405",
		Advice: "Switch TRACE off in the server.",
	}
	corsAny = finding.Kind{
		ID: "cors-any-origin", Title: "Pages of any origin may read answers with the user's credentials", CWE: 942, OWASP: "API8:2023", Severity: finding.Medium,
		Oracle: "An origin made up for the request stands in Access-Control-Allow-Origin, with Access-Control-Allow-Credentials: true, twice with different ones.",
		Fix:    "cors: {origins: [\"https://app.example.com\"]}",
		Advice: "Compare Origin with a list of whole origins, and give no credentials to any other.",
	}
	corsNull = finding.Kind{
		ID: "cors-null-origin", Title: "Pages without an origin may read answers with the user's credentials", CWE: 942, OWASP: "API8:2023", Severity: finding.Medium,
		Oracle: "Origin: null stands in Access-Control-Allow-Origin, with Access-Control-Allow-Credentials: true, while other origins do not.",
		Fix:    "cors: {origins: [\"https://app.example.com\"]}",
		Advice: "Take null out of the list of origins: any page can have it, by a sandboxed frame.",
	}
	corsWildcard = finding.Kind{
		ID: "cors-wildcard", Title: "Pages of any origin may read answers", CWE: 942, OWASP: "API8:2023", Severity: finding.Info,
		Oracle: "Access-Control-Allow-Origin is * or any origin, without credentials.",
		Fix:    "cors: {origins: [\"https://app.example.com\"]}",
		Advice: "Name the origins, unless the answers are for everybody.",
	}
	websocketOrigin = finding.Kind{
		ID: "websocket-any-origin", Title: "Pages of any origin may open the WebSocket", CWE: 1385, OWASP: "API8:2023", Severity: finding.Medium,
		Oracle: "A handshake with an origin made up for the request is answered 101, twice with different ones.",
		Fix:    "cors: {origins: [\"https://app.example.com\"]}",
		Advice: "Compare Origin in the handshake with a list of whole origins.",
	}
	sniffing = finding.Kind{
		ID: "content-sniffing-allowed", Title: "Browsers may guess the type of answers", CWE: 430, OWASP: "API8:2023", Severity: finding.Info,
		Oracle: "A good answer has no X-Content-Type-Options: nosniff; told once for a service.",
		Fix:    "response: {browser_headers: nosniff}",
		Advice: "Send X-Content-Type-Options: nosniff with every answer.",
	}
	noHSTS = finding.Kind{
		ID: "hsts-missing", Title: "Browsers are not told to stay with https", CWE: 319, OWASP: "API8:2023", Severity: finding.Info,
		Oracle: "A good answer over https has no Strict-Transport-Security.",
		Fix:    "response: {hsts: 365d}",
		Advice: "Send Strict-Transport-Security, at least where browsers call.",
	}
	personalCacheable = finding.Kind{
		ID: "personal-answer-cacheable", Title: "Shared caches may keep an answer that needs a credential", CWE: 525, OWASP: "API8:2023", Severity: finding.Low,
		Oracle: "Without a credential the operation is refused, with one its answer says public or s-maxage (RFC 9111, section 3.5).",
		Fix:    "response: {cache: no-store}",
		Advice: "Send Cache-Control: no-store with answers that are for one caller.",
	}
	versionShown = finding.Kind{
		ID: "server-version-shown", Title: "Answers name the software with its version", CWE: 200, OWASP: "API8:2023", Severity: finding.Info,
		Oracle: "Server, X-Powered-By or a field like it has a name with a version; told once for each value.",
		Fix:    "response: {remove_headers: [Server, X-Powered-By]}  # the usual ones are removed anyway",
		Advice: "Take the version out of the fields.",
	}
	verboseError = finding.Kind{
		ID: "verbose-error", Title: "Errors tell how the service is built", CWE: 209, OWASP: "API8:2023", Severity: finding.Low,
		Oracle: "The answer to a malformed request has a stack trace, a database's error or a debugger, twice, and the unchanged call's has none.",
		Fix:    "response: {errors: mask}",
		Advice: "Write errors to the log under an id, and answer with the id and a general sentence.",
	}
	oldTLS = finding.Kind{
		ID: "tls-old-version", Title: "Old versions of TLS are taken", CWE: 326, OWASP: "API8:2023", Severity: finding.Medium,
		Oracle: "A handshake that offers nothing newer than TLS 1.1 succeeds (RFC 8996).",
		Fix:    "listen: [{address: \":443\", tls: {certificates: [{cert: cert.pem, key: key.pem}]}}]  # TLS 1.2 at least",
		Advice: "Take TLS 1.2 and 1.3 only.",
	}
	weakCipher = finding.Kind{
		ID: "tls-weak-cipher", Title: "Weak cipher suites of TLS are taken", CWE: 327, OWASP: "API8:2023", Severity: finding.Low,
		Oracle: "A handshake that offers only suites without forward secrecy, with RC4 or 3DES succeeds.",
		Fix:    "listen: [{address: \":443\", tls: {certificates: [{cert: cert.pem, key: key.pem}]}}]",
		Advice: "Offer suites with ECDHE and AEAD only.",
	}
	badCertificate = finding.Kind{
		ID: "tls-certificate", Title: "The certificate is not what clients expect", CWE: 295, OWASP: "API8:2023", Severity: finding.Info,
		Oracle: "The certificate has expired, or ends within 14 days, or is signed by itself.",
		Fix:    "",
		Advice: "Renew the certificate in time, by a program.",
	}
)
