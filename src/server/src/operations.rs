//! The table of operations: what the API's document says of each by its path and method. What is not in it is not served.
use crate::authz;
use axum::http::Method;
use serde_json::Value;
use std::collections::HashMap;

/// The role of who is not known.
pub(crate) const NOBODY: &str = "none";

/// An operation, as the document describes it.
pub(crate) struct Operation {
    pub(crate) action: String,
    /// Who may; `none` means everybody.
    pub(crate) roles: Vec<String>,
    pub(crate) mutating: bool,
    /// What it is about, in the words of policies.
    pub(crate) resource: &'static str,
    /// Whether its body names queues or rule sets, which it is about as well.
    pub(crate) names_things: bool,
    /// Whether a query is refused: of the API's operations that say nothing of one.
    pub(crate) refuses_query: bool,
}

impl Operation {
    /// Whether callers of a role may have it at all.
    pub(crate) fn is_for(&self, role: &str) -> bool {
        self.roles.iter().any(|known| known == role)
    }
}

/// Every operation by path template and method.
pub(crate) struct Operations {
    table: matchit::Router<Vec<(Method, Operation)>>,
    paths: Vec<String>,
}

impl Operations {
    /// Reads the table from the OpenAPI document, so that there is one truth.
    pub(crate) fn of(document: &Value) -> Self {
        let mut all: HashMap<String, Vec<(Method, Operation)>> = HashMap::new();
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                let (Ok(method), Some(action)) =
                    (method.to_ascii_uppercase().parse::<Method>(), operation["x-gsm-action"].as_str())
                else {
                    continue;
                };
                let roles = operation["x-gsm-roles"].as_array().into_iter().flatten();
                let roles = roles.filter_map(|role| role.as_str().map(str::to_owned)).collect();
                let mutating = operation["x-gsm-mutating"] == Value::Bool(true);
                let resource = authz::resource_of(path);
                let names_things = !authz::named_things(document, operation).is_empty();
                let mut parameters = operation["parameters"].as_array().into_iter().flatten();
                let refuses_query =
                    path.starts_with("/v1/") && !parameters.any(|parameter| parameter["in"] == "query");
                let action = action.to_owned();
                let operation = Operation { action, roles, mutating, resource, names_things, refuses_query };
                all.entry(path.clone()).or_default().push((method, operation));
            }
        }
        let mut table = matchit::Router::new();
        let mut paths: Vec<String> = all.keys().cloned().collect();
        paths.sort();
        for (path, methods) in all {
            if let Err(error) = table.insert(path.clone(), methods) {
                // Then it is not in the table, and what is not in the table is not served.
                tracing::error!(path, %error, "operation left out");
            }
        }
        Self { table, paths }
    }

    /// The parameters in a path by their names.
    pub(crate) fn parameters<'a>(&'a self, path: &'a str) -> Vec<(&'a str, &'a str)> {
        self.table.at(path).map(|found| found.params.iter().collect()).unwrap_or_default()
    }

    /// What the operations of a path are about.
    pub(crate) fn resource(&self, path: &str) -> Option<&'static str> {
        self.table.at(path).ok()?.value.first().map(|(_, operation)| operation.resource)
    }

    /// Every operation: path template, method and action.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Method, &str)> {
        // A template is a path that fits itself.
        let found = |path: &String| self.table.at(path).map(|found| (found.value, ())).ok();
        self.paths.iter().filter_map(move |path| Some((path.as_str(), found(path)?.0))).flat_map(
            |(path, methods)| {
                methods.iter().map(move |(method, operation)| (path, method, operation.action.as_str()))
            },
        )
    }

    /// The methods that a path has.
    pub(crate) fn methods(&self, path: &str) -> Vec<&str> {
        let methods = self.table.at(path).map(|found| found.value.as_slice()).unwrap_or_default();
        methods.iter().map(|(method, _)| method.as_str()).collect()
    }

    pub(crate) fn get(&self, path: &str, method: &Method) -> Option<&Operation> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.table
            .at(path)
            .ok()?
            .value
            .iter()
            .find(|(known, _)| known == method)
            .map(|(_, operation)| operation)
    }
}
