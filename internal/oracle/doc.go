// Package oracle holds versionhash to its claims on real code, with evidence that does not come from versionhash.
//
// Stage: beside everything, for tests and campaigns alone. It imports internal/load, versionhash and internal/manifest, and shares no
// code with versionhash: what depends on what is found from SSA form, from running tests, and from released history. [WriteSection] keeps the page of results.
//
// Five campaigns, each seeded and each with a short form that the tests run:
//
//   - [Mutate] edits real projects at random so that the meaning changes and checks that every function that depends on the edited
//     declaration gets another version; [Neutral] rewrites all of them so that the meaning stays and checks that no version changes.
//   - [Cover] runs the tests of real projects one by one and checks that every function that ran was in the closure of the test.
//   - [Flip] edits real projects at random and runs their tests: one that ends in another way must have another version.
//   - [History] walks the releases of a module and counts which functions keep their version.
//
// Invariants: projects are modules named by path and version, taken with the go command and copied to a temporary folder; nothing of them is kept. A
// campaign with the same seed makes the same edits.
package oracle
