//! A recipe that is like another one but for what it says itself.
use crate::training::TrainingError;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The key that names the other recipe, relative to the recipe's own folder.
const KEY: &str = "like";
/// Tables whose keys are taken over one by one; everything else is taken over, or replaced, as a whole.
const BY_KEYS: [&str; 3] = ["card", "loop", "augment"];

/// The text of a recipe with all that it takes over from the one it is like, and that one's path, where paths then start
/// from; `None` for a recipe that is like no other.
pub(super) fn taken_over(text: &str, path: &Path) -> Result<Option<(String, PathBuf)>, TrainingError> {
    // What is no TOML is refused where the recipe is read.
    let Ok(mut own) = text.parse::<Table>() else { return Ok(None) };
    let bad = |what: String| TrainingError::Bad { path: path.to_path_buf(), what };
    let Some(other) = own.remove(KEY) else { return Ok(None) };
    let Some(other) = other.as_str() else {
        return Err(bad("like must be the path of a recipe".to_owned()));
    };
    let other = path.parent().unwrap_or(Path::new("")).join(other);
    let text = std::fs::read_to_string(&other)
        .map_err(|source| TrainingError::Io { path: other.clone(), source })?;
    let mut all = text.parse::<Table>().map_err(|e| TrainingError::Bad {
        path: other.clone(),
        what: format!("Not a recipe: {}", e.to_string().trim_end()),
    })?;
    if all.contains_key(KEY) {
        return Err(bad(format!("like leads to {}, which is like another one itself", other.display())));
    }
    for (key, value) in own {
        match (all.get_mut(&key), value) {
            (Some(Value::Table(there)), Value::Table(own)) if BY_KEYS.contains(&key.as_str()) => {
                there.extend(own);
            }
            (_, value) => drop(all.insert(key, value)),
        }
    }
    let text = toml::to_string(&all).map_err(|e| bad(format!("Not a recipe: {e}")))?;
    Ok(Some((text, other)))
}

#[cfg(test)]
mod tests {
    use super::super::Recipe;
    use super::super::tests::minimal;

    #[test]
    fn a_recipe_takes_over_what_it_does_not_say() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("recipes");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(dir.path().join("base.toml"), minimal()).unwrap();
        let path = folder.join("own.toml");
        let own = "like = \"../base.toml\"\nname = \"Own\"\n[network]\narchitecture = \"unet\"\n[loop]\nsteps = 9\ncrop = 32\n";
        std::fs::write(&path, own).unwrap();
        let recipe = Recipe::load(&path).unwrap();
        assert_eq!((recipe.name.as_str(), recipe.description.as_str()), ("Own", "A tiny network"));
        assert_eq!((recipe.network.base, recipe.schedule.steps, recipe.schedule.batch), (None, Some(9), 2));
        assert_eq!((recipe.train.len(), recipe.augment.noise), (1, 0.05));
        assert_eq!(recipe.folder.canonicalize().unwrap(), dir.path().canonicalize().unwrap());
        // The card keeps all of it, so that the model can be made again without the other file.
        let alone = Recipe::parse(&recipe.text, &dir.path().join("x.toml")).unwrap();
        assert_eq!((alone.train, alone.schedule), (recipe.train, recipe.schedule));
    }

    #[test]
    fn what_cannot_be_taken_over_is_said() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.toml"), "like = \"b.toml\"\n").unwrap();
        std::fs::write(dir.path().join("b.toml"), "like = \"a.toml\"\n").unwrap();
        std::fs::write(dir.path().join("c.toml"), "like = \"nowhere.toml\"\n").unwrap();
        std::fs::write(dir.path().join("d.toml"), "like = 3\n").unwrap();
        for (name, expected) in [
            ("a.toml", "which is like another one itself"),
            ("c.toml", "nowhere.toml"),
            ("d.toml", "like must be the path of a recipe"),
        ] {
            let message = Recipe::load(&dir.path().join(name)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
