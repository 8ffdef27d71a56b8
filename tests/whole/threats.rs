//! What an attacker would try, one file for each kind. SECURITY.md lists the
//! threats and the test of each.

mod bombs;
mod doors;
mod frames;
mod guesses;
mod lines;
mod markup;
mod reach;
mod secrets;
mod signed;
mod slow;
mod tenants;
mod toll;

/// A second tenant, to whom nothing of the shop belongs.
const BRANCH: &str = "company = \"Branch\"\nnumbers = [\"+15550170002\"]\npersona = \"shop\"\nhuman_number = \"none\"\n";
