//! Terraform as text.
use std::fmt::Write as _;

/// Blocks and attributes, indented and aligned as `terraform fmt` would.
#[derive(Default)]
pub(super) struct Hcl {
    pub(super) text: String,
    depth: usize,
}

impl Hcl {
    pub(super) fn line(&mut self, text: &str) {
        // Nothing follows the head of a block but its content.
        if text.is_empty() {
            if !self.text.ends_with("{\n") && !self.text.is_empty() {
                self.text.push('\n');
            }
            return;
        }
        let _ = writeln!(self.text, "{:width$}{text}", "", width = self.depth * 2);
    }
    pub(super) fn open(&mut self, head: &str) {
        self.line(&format!("{head} {{"));
        self.depth += 1;
    }
    pub(super) fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }
    pub(super) fn attrs(&mut self, attrs: &[(&str, String)]) {
        let width = attrs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in attrs {
            self.line(&format!("{name:width$} = {value}"));
        }
    }
}

/// A string of HCL.
pub(super) fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${").replace("%{", "%%{");
    format!("\"{text}\"")
}
