// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package injection

import "durward/probe/finding"

// firewall is the part of a configuration that refuses what looks like one of
// these attacks, the contract before it.
const firewall = "validation: {mode: enforce}\nwaf: {mode: enforce, paranoia: 2}"

var (
	sqlInjection = finding.Kind{
		ID: "sql-injection", Title: "A value becomes part of an SQL statement", CWE: 89, OWASP: "API8:2023", Severity: finding.Critical,
		Oracle: "An engine's own error that no right answer has; or 5xx for odd and not for even numbers of quotes; or four true and four false conditions that are answered alike among themselves and differently from each other; or waits of 0, d and 2d that take that long.",
		Fix:    firewall,
		Advice: "Use parameters of prepared statements for values, and a list of allowed names for columns and orders.",
	}
	nosqlInjection = finding.Kind{
		ID: "nosql-injection", Title: "A value becomes an operator or a script of a document store", CWE: 943, OWASP: "API8:2023", Severity: finding.Critical,
		Oracle: "Operators or conditions that are true of any value are answered alike, those that are true of none alike, and the two differently, four times with other ones.",
		Fix:    firewall,
		Advice: "Take texts and numbers only: convert each member to the type it should have before it goes into a filter; never build scripts for $where.",
	}
	ldapInjection = finding.Kind{
		ID: "ldap-injection", Title: "A value becomes part of an LDAP filter", CWE: 90, OWASP: "API8:2023", Severity: finding.High,
		Oracle: "Items of a filter that are true of every entry are answered alike, those that are true of none alike, and the two differently, four times with other ones.",
		Fix:    firewall,
		Advice: "Escape values as RFC 4515, section 3, says, by the library's function for it.",
	}
	xpathInjection = finding.Kind{
		ID: "xpath-injection", Title: "A value becomes part of an XPath expression", CWE: 643, OWASP: "API8:2023", Severity: finding.High,
		Oracle: "True conditions within quotes are answered alike, false ones alike, and the two differently, four times with other numbers, while SQL's own words have no such effect.",
		Fix:    firewall,
		Advice: "Use variables of the XPath library for values.",
	}
	commandInjection = finding.Kind{
		ID: "command-injection", Title: "A value becomes part of a shell's command", CWE: 78, OWASP: "API8:2023", Severity: finding.Critical,
		Oracle: "The answer has the product of two numbers that a shell was asked to compute, twice with other numbers; or waits of 0, d and 2d that take that long.",
		Fix:    firewall,
		Advice: "Start programs with a list of arguments and without a shell, and put -- before values that may begin with a dash.",
	}
	templateInjection = finding.Kind{
		ID: "template-injection", Title: "A value is evaluated as a template", CWE: 1336, OWASP: "API8:2023", Severity: finding.Critical,
		Oracle: "The answer has the product of two numbers within a template's expression, twice with other numbers, and not when the same product stands there without the template's marks.",
		Fix:    firewall,
		Advice: "Give values to templates as data; never make a template of them.",
	}
	pathTraversal = finding.Kind{
		ID: "path-traversal", Title: "A value leads to files outside of their folder", CWE: 22, OWASP: "API8:2023", Severity: finding.High,
		Oracle: "The answer has the content of a file that every system has, twice, and the unchanged call's has not. Or an upload's file name leads into another folder that the run made: a file there has the new content, twice, and not after the same upload with the plain name.",
		Fix:    firewall,
		Advice: "Open files below a fixed folder by an API that cannot leave it (openat2, os.Root), or map names to files by a table.",
	}
	serverSideRequest = finding.Kind{
		ID: "server-side-request", Title: "The service sends requests to where a caller says", CWE: 918, OWASP: "API7:2023", Severity: finding.High,
		Oracle: "The run's own listener on loopback, at an address made for this one request, was asked for it.",
		Fix:    firewall,
		Advice: "Allow named hosts only; resolve the name once, refuse private, loopback and link-local addresses, connect to what was resolved, and follow no redirects.",
	}
	externalEntity = finding.Kind{
		ID: "xml-external-entity", Title: "XML of callers is read with external entities", CWE: 611, OWASP: "API8:2023", Severity: finding.High,
		Oracle: "An entity that the request declares is a file of the system in the answer, twice; or the run's own listener was asked for it.",
		Fix:    firewall,
		Advice: "Switch DOCTYPE off in the XML parser, and take only the content types that the API declares.",
	}
	entityExpansion = finding.Kind{
		ID: "xml-entity-expansion", Title: "XML of callers may declare entities", CWE: 776, OWASP: "API4:2023", Severity: finding.Low,
		Oracle: "An entity made of another one, both declared in the request, stands expanded in the answer.",
		Fix:    firewall,
		Advice: "Switch DOCTYPE off in the XML parser.",
	}
	headerInjection = finding.Kind{
		ID: "header-injection", Title: "A value ends a line of the answer's header", CWE: 113, OWASP: "API8:2023", Severity: finding.Medium,
		Oracle: "A field with a name made for this one request is in the answer's header.",
		Fix:    firewall,
		Advice: "Refuse control characters in values that go into fields of the header.",
	}
	htmlInjection = finding.Kind{
		ID: "html-injection", Title: "A value becomes markup of the page that answers", CWE: 79, OWASP: "API8:2023", Severity: finding.Medium,
		Oracle: "An element with a mark made for this one request stands unescaped in an answer of type HTML, twice.",
		Fix:    firewall + "\nresponse: {browser_headers: strict}",
		Advice: "Escape values where they are written into the page, or answer with JSON and nosniff.",
	}
	storedHTML = finding.Kind{
		ID: "stored-html-injection", Title: "A text that is kept becomes markup of a page", CWE: 79, OWASP: "API8:2023", Severity: finding.High,
		Oracle: "An element with a mark made for this one request stands unescaped in a page that another operation answers with, twice.",
		Fix:    firewall + "\nresponse: {browser_headers: strict}",
		Advice: "Escape texts where they are written into the page.",
	}
	openRedirect = finding.Kind{
		ID: "open-redirect", Title: "The service redirects to any host", CWE: 601, OWASP: "API8:2023", Severity: finding.Medium,
		Oracle: "Location leads to a host that was made up for the request, twice; nobody follows it.",
		Fix:    firewall,
		Advice: "Redirect to paths of your own, or to hosts of a list.",
	}
)

func kinds() []finding.Kind {
	return []finding.Kind{
		sqlInjection, nosqlInjection, ldapInjection, xpathInjection, commandInjection, templateInjection, pathTraversal,
		serverSideRequest, externalEntity, entityExpansion, headerInjection, htmlInjection, storedHTML, openRedirect,
	}
}
