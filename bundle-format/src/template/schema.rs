//! The JSON Schema of the template, for editors (spec/schema/template.schema.json).

use schemars::generate::SchemaSettings;

use super::Template;

/// The JSON Schema (draft 2020-12) of [`Template`]. It says what each field takes; what fields mean to each other,
/// [`Template::check`] alone knows.
#[must_use]
pub fn json_schema() -> schemars::Schema {
    let mut schema =
        SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<Template>();
    schema.insert("$id".to_owned(), "https://sealift.dev/schema/template.v1.json".into());
    schema
}
