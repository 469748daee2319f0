// Copyright The Durward Authors.
// SPDX-License-Identifier: Apache-2.0

package waftest

var (
	hosts    = []string{"api.example.com", "moot.example.org", "shop.example.net", "gateway.example.com:8443"}
	browsers = []string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
	}
	programs = []string{
		"okhttp/4.12.0", "axios/1.7.7", "moot-android/3.4.1 (Pixel 8; Android 15)", "moot-ios/3.4.0 CFNetwork/1568.200.51 Darwin/24.1.0",
		"billing-sync/2.0 (+https://example.com/bots)", "PostmanRuntime/7.43.0", "Dart/3.5 (dart:io)",
	}
	fields = []string{
		"id", "name", "title", "text", "body", "description", "comment", "author", "status", "type", "tags", "items", "address", "city",
		"street", "country", "amount", "currency", "created_at", "updated_at", "url", "email", "phone", "notes", "reason", "metadata",
		"parent_id", "reply_to", "attachments", "customer", "shipping", "quantity", "sku", "price", "locale", "summary", "content",
	}
	firstNames = []string{"Aoife", "Beatrix", "Chidi", "Dmitri", "Elif", "Fatima", "Grace", "Hiroshi", "Ines", "Jürgen", "Kwame", "Liam", "Mei", "Noor", "Søren"}
	lastNames  = []string{
		"O'Neil", "O'Brien", "D'Angelo", "McDonald", "van der Berg", "Smith-Jones", "García Márquez", "Müller", "Nguyễn", "L'Hôpital",
		"Union", "Drop", "Null", "Tan", "Okafor", "Lindqvist", "de la Cruz", "Ångström",
	}
	plainWords = []string{
		"meeting", "notes", "quarterly", "report", "seat", "window", "members", "plans", "drafts", "photo", "coin", "slot", "point",
		"friends", "menu", "summary", "account", "status", "café", "naïve", "über", "hello", "world", "50%", "Q3", "10am", "tips",
		"delivery", "blue", "chair", "invoice", "October", "team", "lunch", "weather", "garden", "holiday", "feedback", "agenda",
	}
	// sqlWords are English words that SQL and shells have as well.
	sqlWords = []string{
		"select", "from", "table", "union", "where", "update", "delete", "order", "by", "group", "insert", "into", "drop", "cast",
		"join", "like", "or", "and", "not", "between", "set", "having", "exec", "alter", "create", "script", "system", "time", "find",
		"sleep", "wait", "cat", "who", "kill", "sort", "head", "tail", "node", "python", "R&D", "case", "when", "then", "else", "end",
	}
	// awkward are sentences that are no attack, and that rules take for one.
	awkward = []string{
		"Delete my old address and insert the new one into the system, please.",
		"The union representatives met on Tuesday, and we're waiting for their update.",
		"We need two things: time, and money. Having both is a luxury.",
		"Execute the plan as discussed; alter nothing without asking.",
		"Select one from the list; then drop the rest, or update it.",
		"Time; money; find; sort -- pick two.",
		"1 or 2 and 3 = 3, isn't it?",
		"Use `cat file | sort` to see the list, and `rm old.txt` behind it.",
		"Union all the way! Select me for president.",
		"He wrote <b>important</b> in the text, and <script> in the margin.",
	}
	prose = []string{
		"Please select the items from the table that you'd like to order.",
		"The union met on Tuesday, and we're still waiting to hear from them.",
		"I can't believe it's not in stock; it's been weeks!",
		"Where should we drop off the keys? The front desk closes at 5pm.",
		"Please delete my old address; the new one is below.",
		"Tom & Jerry's ice cream costs $4.50 (or £3.60) for 500ml.",
		"He said: \"the group order is by the door\" and left.",
		"Our system was down between 09:00 and 11:30 UTC, see the status page.",
		"If 3 > 2 and 2 > 1 then, of course, 3 > 1.",
		"The script for the play is attached; the cast meets at 7.",
		"O'Neil's report is due on 2026-11-30; don't forget the appendix.",
		"Rock 'n' roll isn't dead, it's just resting.",
		"Could you like, share and join the group? Thanks :-)",
		"50% off all chairs, tables & lamps until the end of the month.",
		"Das Treffen wäre am Montag um 10 Uhr, oder passt dir Dienstag besser?",
		"L'été dernier, c'était mieux: il n'y avait pas d'orages.",
		"会議は月曜日の午前十時からです。よろしくお願いします。",
		"¿Puedes enviarme la factura de octubre? ¡Gracias!",
		"Reply to this message or call +1 555 0100, whichever is easier.",
		"The answer is 42; the question is unknown.",
		"Version 2.4.1 fixes the login page, the search box and a typo in the footer.",
		"Add 2 eggs, 100g of flour and a pinch of salt -- then whisk.",
		"Meet me at 10 Downing Street, London SW1A 2AA.",
		"She asked whether the shell was from the beach or the shop.",
		"My password manager says the account doesn't exist anymore.",
		"The cat sat on the mat while the dog found a ball.",
		"Let's grant everybody a day off and create some room to breathe.",
		"See https://example.com/help?topic=orders&lang=en for details.",
	}
)
