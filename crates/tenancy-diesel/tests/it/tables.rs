//! The walled tables as Diesel knows them, without the tenant's column.

diesel::table! {
    notes (id) {
        id -> BigInt,
        title -> Text,
    }
}

diesel::table! {
    tags (note, tag) {
        note -> BigInt,
        tag -> Text,
    }
}

diesel::joinable!(tags -> notes (note));
diesel::allow_tables_to_appear_in_same_query!(notes, tags);

/// The first title of what is in reach.
#[macro_export]
macro_rules! first_title {
    () => {
        notes::table.select(notes::title).order(notes::id).limit(1)
    };
}
